"""The crossover as a compiled strategy that sends market orders: what the benchmark's task ``compiled`` runs."""

from numba import njit

from tallow.core.orders.messages import send, target_order


@njit(cache=True, forceinline=True)
def decide(now, view, own, outbox):
    """Put all of the equity into a market order while the fast average is above the slow one.

    Both averages are sums that run along: `own` is the two sums, `now.inputs` the two windows.
    """
    quick, calm = own
    fast, slow = now.inputs
    row, close = now.row, now.columns.close
    quick += close[row]
    calm += close[row]
    if row >= fast:
        quick -= close[row - fast]
    if row >= slow:
        calm -= close[row - slow]
    above = row >= slow - 1 and quick * slow > calm * fast
    count = 0
    if above and view.position == 0.0:
        count = send(outbox, 0, target_order(1.0))
    elif view.position > 0.0 and not above:
        count = send(outbox, 0, target_order(0.0))
    return (quick, calm), count
