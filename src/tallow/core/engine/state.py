"""What the engine remembers between bars: one immutable tuple of float64 scalars, kept in registers when compiled.

Flags are 0 or 1 and counters whole numbers, all as floats, so that a state is also a flat array of numbers.
"""

from typing import NamedTuple

from tallow.core.matching import Holding, Levels
from tallow.domain.columns import Floats

NOWHERE = float("inf")


class Order(NamedTuple):
    """What was decided: the last target, whether its order still waits, whether that wait was counted, refusal."""

    target: float
    pending: float
    waited: float
    refused: float


class Totals(NamedTuple):
    """Sums since the start: costs and traded notional in quote units, then counters."""

    fees: float
    slippage: float
    funding: float
    turnover: float
    trades: float
    wins: float
    losses: float
    ambiguous: float
    rejected: float
    events: float
    reason: float


class State(NamedTuple):
    """The account after a bar. `start_cash` is the cash before the open trade began."""

    cash: float
    equity: float
    start_cash: float
    holding: Holding
    levels: Levels
    order: Order
    totals: Totals


class Bar(NamedTuple):
    """One bar as the step reads it.

    `funding_open` and `funding_inside` are the summed rates charged at the open and during the bar.
    """

    row: float
    open: float
    high: float
    low: float
    close: float
    volume: float
    previous_volume: float
    funding_open: float
    funding_inside: float


class Fill(NamedTuple):
    """One execution: signed quantity, price with slippage, fee and slippage in quote units, `EXIT_REASONS` index."""

    quantity: float
    price: float
    fee: float
    slippage: float
    reason: float


STATE_SIZE = 3 + len(Holding._fields) + len(Levels._fields) + len(Order._fields) + len(Totals._fields)
REFUSED = STATE_SIZE - len(Totals._fields) - 1  # place of `Order.refused` in the flat form
EVENTS = STATE_SIZE - len(Totals._fields) + Totals._fields.index("events")
EVENT_COLUMNS = (
    "row", "quantity", "price", "fee", "slippage", "reason", "funding", "position", "cash", "entry_price",
)  # fmt: skip
EVENTS_A_BAR = 8  # funding, exit, close and open at the open; funding and exit inside; close and open at the close


def initial_state(cash: float) -> State:
    """Give the state of an account that has only cash and was never asked for anything."""
    return State(
        cash=cash,
        equity=cash,
        start_cash=cash,
        holding=Holding(0.0, 0.0, 0.0, 0.0),
        levels=Levels(0.0, NOWHERE, 1.0),
        order=Order(0.0, 0.0, 0.0, 0.0),
        totals=Totals(*[0.0] * len(Totals._fields)),
    )


def flatten(state: State) -> list[float]:
    """Write a state as the flat numbers that compiled loops load and store."""
    return [*state[:3], *state.holding, *state.levels, *state.order, *state.totals]


def unflatten(memory: Floats) -> State:
    """Read a state back from its flat numbers."""
    values = [float(value) for value in memory]
    holding, levels, order, totals = 3, 7, 10, 14
    return State(
        values[0],
        values[1],
        values[2],
        Holding(*values[holding:levels]),
        Levels(*values[levels:order]),
        Order(*values[order:totals]),
        Totals(*values[totals:]),
    )
