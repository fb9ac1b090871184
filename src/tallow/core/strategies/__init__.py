"""Strategies: the built-in rules, the class for rules that depend on their position, declared parameters."""

from tallow.core.strategies.built_in import (
    BUILT_IN,
    adx,
    bollinger,
    buy_and_hold,
    cci,
    ema_cross,
    macd,
    rsi,
    sma_cross,
    trix,
)
from tallow.core.strategies.detail import DECIDE_ON, decide_at, decide_on_coarser, decision_rows, onto_finer, spread
from tallow.core.strategies.event import Account, Decide, Orders, Strategy, decider
from tallow.core.strategies.higher import Finished, developed, finished, higher
from tallow.core.strategies.higher_timeline import Higher, HigherLine
from tallow.core.strategies.outbox import BEGINS, Outbox
from tallow.core.strategies.parameters import (
    Choice,
    Float,
    Int,
    Parameter,
    bind,
    parameters_of,
    parse_assignments,
)
from tallow.core.strategies.rounding import ROUNDING
from tallow.core.strategies.timeline import Line, Past

__all__ = [
    "BEGINS", "BUILT_IN", "DECIDE_ON", "ROUNDING", "Account", "Choice", "Decide", "Finished", "Float", "Higher",
    "HigherLine", "Int", "Line", "Orders", "Outbox", "Parameter", "Past", "Strategy", "adx", "bind", "bollinger",
    "buy_and_hold", "cci", "decide_at", "decide_on_coarser", "decider", "decision_rows", "developed", "ema_cross",
    "finished", "higher", "macd", "onto_finer", "parameters_of", "parse_assignments", "rsi", "sma_cross", "spread",
    "trix",
]  # fmt: skip
