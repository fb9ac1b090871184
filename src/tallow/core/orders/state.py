"""What the order engine remembers: the account as a tuple of scalars, and a slot per working order in an array."""

from typing import NamedTuple, cast

import numpy as np
from numba import njit

from tallow.core.engine.memory import load, store
from tallow.core.engine.state import STATE_SIZE, State, flatten, initial_state
from tallow.core.matching import AnyFunction, Config, configure, inlined
from tallow.domain.columns import Floats
from tallow.domain.orders import MESSAGES_A_CLOSE, FillRules
from tallow.domain.scene import Execution

SLOTS = 32  # orders that may work at once
OUTBOX = MESSAGES_A_CLOSE

# Columns of a slot. The first thirteen are also those of a message; there, an id is one to cancel, a negative one one
# to amend, and 0 submits.
ID, KIND, SIDE, QUANTITY, PRICE, TRIGGER, TRAIL, VALIDITY, GOOD_TILL, REDUCE, GROUP, PARENT, TARGET = range(13)
MESSAGE_SIZE = 13
FILLED, NOTIONAL, BORN, STATE, REASON, ENDED = range(13, 19)
LOGGED = 19  # columns that an ended order leaves in the log
LEFT, STATUS, ARMED, WAITED, BEST, ARRIVES, CANCELS, QUEUE = range(19, 27)
SLOT_SIZE = 27

MARKET, LIMIT, STOP, STOP_LIMIT, TAKE_PROFIT, TRAILING_STOP, TO_TARGET = (float(i) for i in range(7))
GTC, IOC, FOK, POST_ONLY = (float(i) for i in range(4))
DORMANT, FRESH, RESTING, INSIDE, TAKING = (float(i) for i in range(5))
WORKING, PART_FILLED, COMPLETE, CANCELLED, EXPIRED, REJECTED = (float(i) for i in range(6))
(
    NO_REASON, ASKED, OTHER_FILLED, PARENT_ENDED, POSITION_CLOSED, NOTHING_TO_REDUCE, NOT_FILLED_AT_ONCE,
    TOO_LATE, WOULD_TAKE, TOO_SMALL, BELOW_MINIMUM, INSUFFICIENT_FUNDS, SHORT_NOT_ALLOWED,
    TARGET_TOO_LARGE, INVALID, REPLACED,
) = (float(i) for i in range(16))  # fmt: skip

LOG_COLUMNS = 11  # those of the engine's events, and the id of the order
EVENTS_A_BAR = 2 * SLOTS + 8  # each order may close a position and open one; the rest is funding and exits
FOREVER = float("inf")
SLOTS_FULL, OUTBOX_FULL = 1.0, 2.0


def called(function: AnyFunction) -> AnyFunction:
    """Compile a function that is needed in many places and rarely: a call, where `inlined` would be a copy."""
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(AnyFunction, njit(nogil=True, error_model="numpy", **options)(function))


class Rules(NamedTuple):
    """Costs and margin, and how much of the tape an order gets, as numbers for compiled code."""

    costs: Config
    participation: float
    touch: float


class Desk(NamedTuple):
    """The account, and what must be known of the slots without looking at them.

    A loop keeps it in registers; where something happens it is written to flat numbers, on which the rules work. A bar
    whose prices stay between `floor` and `ceiling` and that opens before `until` changes nothing but the mark.
    `budget` is what orders may still fill in this bar; `full` says that an order found no slot.
    """

    account: State
    working: float
    next_id: float
    floor: float
    ceiling: float
    until: float
    budget: float
    ended: float
    full: float


class Bar(NamedTuple):
    """One bar as the order step reads it: the engine's fields and the time of the open."""

    row: float
    open: float
    high: float
    low: float
    close: float
    volume: float
    previous_volume: float
    funding_open: float
    funding_inside: float
    time: float


# Places in the flat desk: of the account first, then of what is known of the slots.
M_CASH, M_EQUITY, M_POSITION, M_ENTRY_PRICE, M_FLOOR, M_CEILING, M_TARGET = 0, 1, 3, 4, 7, 8, 10
M_TURNOVER, M_TRADES, M_AMBIGUOUS, M_REJECTED, M_EVENTS = 17, 18, 21, 22, 23
M_WORKING, M_NEXT_ID, M_LOW, M_HIGH, M_UNTIL, M_BUDGET, M_ENDED, M_FULL = range(STATE_SIZE, STATE_SIZE + 8)
DESK_SIZE = STATE_SIZE + len(Desk._fields) - 1
# Behind the desk: the place of the next funding; and on ticks the time, the last arrival, the number of messages and
# when the next funding is paid.
M_FUNDING, M_NOW, M_ARRIVED, M_MESSAGES, M_PAYS = range(DESK_SIZE, DESK_SIZE + 5)
MEMORY_SIZE = DESK_SIZE + 5


def make_rules(execution: Execution, rules: FillRules) -> Rules:
    """Turn the settings into the numbers that compiled code reads."""
    share = FOREVER if rules.participation is None else float(rules.participation)
    return Rules(configure(execution), share, float(rules.touch_fills))


def empty_memory(cash: float) -> Floats:
    """Give, as flat numbers, the desk of an account that has only cash, and what stands behind it."""
    desk = [*flatten(initial_state(cash)), 0.0, 1.0, 0.0, FOREVER, FOREVER, 0.0, 0.0, 0.0]
    return np.array([*desk, 0.0, 0.0, 0.0, 0.0, FOREVER])


@inlined
def load_desk(m: Floats) -> Desk:  # pragma: no cover
    """Read a desk from its flat numbers."""
    return Desk(load(m), m[25], m[26], m[27], m[28], m[29], m[30], m[31], m[32])


@inlined
def store_desk(m: Floats, desk: Desk) -> None:  # pragma: no cover
    """Write a desk to its flat numbers."""
    store(m, desk.account)
    m[25], m[26], m[27], m[28], m[29] = desk.working, desk.next_id, desk.floor, desk.ceiling, desk.until
    m[30], m[31], m[32] = desk.budget, desk.ended, desk.full
