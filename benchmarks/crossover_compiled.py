"""The crossover as a compiled strategy that sends market orders: what the benchmark's task ``compiled`` runs."""

from numba import njit

from tallow.core.orders.messages import send, target_order


@njit(cache=True)
def decide(now, view, own, outbox):
    """Put all of the equity into a market order while the fast average is above the slow one."""
    quick, calm = now.inputs
    above = quick[now.row] > calm[now.row]
    if above and view.position == 0.0:
        return own, send(outbox, 0, target_order(1.0))
    if view.position > 0.0 and not above:
        return own, send(outbox, 0, target_order(0.0))
    return own, 0
