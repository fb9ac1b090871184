"""Whole backtests of compiled strategies that submit orders."""

from dataclasses import dataclass, field
from typing import Any

from tallow.core.engine.checks import Market, prepare
from tallow.core.engine.stretches import stretches_of
from tallow.core.orders.kernels import KERNELS, Tape
from tallow.core.orders.live import finish
from tallow.core.orders.session import Session
from tallow.domain.columns import Bars
from tallow.domain.fill_rules import WHOLE_TAPE, FillRules
from tallow.domain.orders import OrderRun
from tallow.domain.scene import Execution
from tallow.domain.venue_rules import RuleBook


@dataclass(frozen=True)
class CompiledStrategy:
    """A strategy that numba compiles into the loop: no Python runs between two bars.

    `decide(now, view, own, outbox)` is called at the close of every bar and returns `(own, count)`. `now` is a
    `kernels.Now` (row, time, columns, inputs), `view` a `kernels.View` of the account, `own` what it returned at the
    bar before (a tuple of numbers is fastest), `outbox` takes messages through `messages.send`, which also counts them.

    Attributes:
        decide: a function under `numba.njit`.
        inputs: anything numba understands, such as a tuple of indicator columns.
        own: the strategy's memory before the first bar; its type must not change.
    """

    decide: Any
    inputs: Any = field(default=())
    own: Any = field(default=(0.0,))


def run_compiled(
    bars: Bars | Market,
    strategy: CompiledStrategy,
    execution: Execution,
    *,
    cash: float,
    rules: FillRules = WHOLE_TAPE,
    book: RuleBook | None = None,
) -> OrderRun:
    """Run a compiled strategy that submits orders; `book` has the rules of the venue as they changed.

    Raises:
        DataError: BAD_BARS.
        UserError: BAD_SETTING, TOO_MANY_ORDERS, BAD_RULES.
    """
    market = prepare(bars)
    stretches = stretches_of(market.time, execution, book)
    session = Session(stretches[0].execution, rules, cash)
    logs, whole = session.make_logs(len(market)), Tape(market.columns, market.time)
    row, own = 0, strategy.own
    for stretch in stretches:
        tape, logs = session.enter(stretch, whole, logs)
        while row < stretch.stop:
            plan = strategy.inputs, own, row
            row, own = KERNELS.run(session.rules, session.book, tape, logs, strategy.decide, plan)
            logs = session.drain(logs)
    return finish(session, market, logs, cash)
