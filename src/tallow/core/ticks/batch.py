"""Whole backtests on trades with compiled strategies."""

from tallow.core.orders.batch import CompiledStrategy
from tallow.core.ticks.kernels import KERNELS
from tallow.core.ticks.live import FIRST_TRADES, Grid, TickSession, finish_ticks
from tallow.core.ticks.tape import Tape, check_times, delayed, prepare_ticks
from tallow.domain.columns import Ticks, Times
from tallow.domain.orders import OrderRun, TickRules
from tallow.domain.scene import Execution


def run_ticks_compiled(
    ticks: Ticks | Tape,
    strategy: CompiledStrategy,
    execution: Execution,
    *,
    cash: float,
    rules: TickRules = FIRST_TRADES,
    at: Times | None = None,
) -> OrderRun:
    """Run a compiled strategy that is called when each trade reaches it, or at the moments `at` only.

    `strategy.decide(now, view, own, outbox)` as for bars; `now` is a `kernels.TickNow`.

    Raises:
        DataError: BAD_TICKS.
        UserError: BAD_SETTING, TOO_MANY_ORDERS.
    """
    tape, session = prepare_ticks(ticks), TickSession(execution, rules, cash)
    columns, grid = delayed(tape, rules.latency), Grid.of(tape.columns.time, rules.mark_every)
    session.expect(columns)
    logs, row, place, own = session.make_tick_logs(grid.rows), 0, 0, strategy.own
    if at is not None:
        moments, turn = check_times(at), 0
        while row < len(tape) or turn < len(moments):
            plan = strategy.inputs, own, row, place, moments, turn
            row, place, own, turn = KERNELS.run_at(session.venue, session.book, columns, logs, strategy.decide, plan)
            logs = session.drain(logs)
        return finish_ticks(session, tape, grid, logs, cash)
    while row < len(tape):
        plan_of_all = strategy.inputs, own, row, place
        row, place, own = KERNELS.run(session.venue, session.book, columns, logs, strategy.decide, plan_of_all)
        logs = session.drain(logs)
    return finish_ticks(session, tape, grid, logs, cash)
