"""Whole backtests in one call: with every log, or as a summary of a few numbers."""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from tallow.core.engine.checks import Market, check_cash, check_targets, prepare
from tallow.core.engine.kernels import KERNELS, is_plain
from tallow.core.engine.logs import fill_log, name_events, trade_log
from tallow.core.engine.memory import Marks
from tallow.core.engine.segments import Moments, Reach
from tallow.core.engine.state import EVENT_COLUMNS, EVENTS, STATE_SIZE, State, flatten, initial_state, unflatten
from tallow.core.engine.stretches import Stretch, stretches_of
from tallow.core.engine.traced import Checkpoint, TracedRun, trace
from tallow.core.matching import Config, configure
from tallow.domain.columns import Bars, Floats, FundingRates, Targets
from tallow.domain.errors import UserError
from tallow.domain.results import Run
from tallow.domain.scene import Execution
from tallow.domain.venue_rules import RuleBook

_NOWHERE = Reach(np.empty(0), np.empty(0))
_ROW, _PLACE, _PAID, _STOP = range(STATE_SIZE, STATE_SIZE + 4)  # places in the memory of a run
_FIRST_LOG, _LARGEST_LOG = 256, 65_536  # rows of the event log; each is twice the one before


class Summary(NamedTuple):
    """A backtest in scalars; money in quote units, rates as fractions.

    Attributes:
        total_return: final equity / starting cash - 1.
        trades: closed round trips; one still open is in the equity but not counted.
        draws: closed round trips that neither won nor lost.
        max_drawdown: deepest fall of the equity at bar closes from its peak, which starts at the cash; 0 or below.
        bar_sharpe: mean of bar returns / their sample deviation * sqrt(periods a year); NaN when it does not vary.
        fees: paid; likewise `slippage` and `funding` are costs, negative when received.
        exposure: fraction of bars that close with a position.
        turnover: traded notional in quote units.
        ambiguous_bars: bars that touched stop and take-profit; each counted as the stop.
        rejected_orders: orders below the minimum, or on a bar without volume.
    """

    final_equity: float
    total_return: float
    trades: int
    wins: int
    losses: int
    draws: int
    max_drawdown: float
    bar_sharpe: float
    fees: float
    slippage: float
    funding: float
    exposure: float
    turnover: float
    ambiguous_bars: int
    rejected_orders: int


def run(
    bars: Bars | Market,
    targets: Targets,
    execution: Execution,
    *,
    cash: float,
    funding: FundingRates | None = None,
    rules: RuleBook | None = None,
) -> TracedRun:
    """Carry out target positions on bars and keep every mark, fill and trade.

    Args:
        bars: candles, or what `prepare` made of them (which then holds the funding).
        targets: one a bar, fraction of equity, decided at that bar's close; NaN keeps the last.
        execution: fills and costs.
        cash: starting balance in quote units.
        funding: rates that longs pay to shorts.
        rules: of the venue, as they changed; each holds for bars that open at its beginning or later.

    Example:
        >>> prices = np.array([100.0, 100.0, 110.0, 110.0])
        >>> bars = Bars.of(np.arange(4) * 60_000_000, (prices, prices, prices, prices, prices))
        >>> done = run(bars, np.array([1.0, 1.0, 0.0, 0.0]), Execution(taker_fee=0.0), cash=1_000.0)
        >>> done.equity.tolist(), done.trades.profit.tolist()
        ([1000.0, 1000.0, 1100.0, 1100.0], [100.0])

    Raises:
        DataError: BAD_BARS, BAD_FUNDING.
        UserError: TARGET_TOO_LARGE, SHORT_NOT_ALLOWED, TARGET_LENGTH, BAD_SETTING, BAD_RULES.
    """
    memory = np.array([*flatten(initial_state(check_cash(cash))), *np.zeros(4)])
    start = Checkpoint(memory, np.zeros((0, len(EVENT_COLUMNS))), cash)
    return extend(start, bars, targets, execution, funding=funding, rules=rules)


def extend(
    checkpoint: Checkpoint,
    bars: Bars | Market,
    targets: Targets,
    execution: Execution,
    *,
    funding: FundingRates | None = None,
    rules: RuleBook | None = None,
) -> TracedRun:
    """Continue a run on a longer series: to the bit the run on all of it, at the cost of the new bars.

    Bars, targets, funding and rules must begin with those of the run that left the checkpoint, and the execution must
    be the same; that is for the caller to know. The last bar of that run is passed again, because a hole in the data
    that began after it, and funding in the hole, could not be known at the time.

    Args:
        checkpoint: `run(...).checkpoint`.
        bars: all bars, or what `prepare` made of them.
        targets: one a bar, of all of them.
        execution: fills and costs.
        funding: rates that longs pay to shorts.
        rules: of the venue, as they changed.

    Raises:
        DataError: BAD_BARS, BAD_FUNDING.
        UserError: TARGET_TOO_LARGE, SHORT_NOT_ALLOWED, TARGET_LENGTH, BAD_RULES; BAD_SETTING for fewer bars.
    """
    market = prepare(bars, funding)
    changes = check_targets(market, targets, execution)
    if len(market) < checkpoint.rows:
        raise UserError(
            "BAD_SETTING", f"{len(market)} bars do not continue {checkpoint.rows}", facts={"valid": "more bars"}
        )
    memory, chunks = checkpoint.memory.copy(), [checkpoint.events]
    memory[_PLACE] = np.searchsorted(changes.row, memory[_ROW])
    memory[_PAID] = np.searchsorted(market.columns.funding_row, memory[_ROW])
    stretches, last = stretches_of(market.time, execution, rules), max(0, len(market) - 1)
    for stretch in stretches:
        config = configure(stretch.execution)
        if len(stretches) > 1 and stretch.start <= memory[_ROW] < stretch.stop:
            KERNELS.relevel(config, memory)
        kernel = partial(
            KERNELS.run_plain if is_plain(config, market.columns) else KERNELS.run,
            config,
            memory,
            market.columns,
            (changes, reach_of(market, config)),
        )
        _run_until(kernel, memory, chunks, min(stretch.stop, last))
    left = Checkpoint(memory.copy(), np.concatenate(chunks), checkpoint.cash)
    _run_until(kernel, memory, chunks, len(market))
    end = unflatten(memory[:STATE_SIZE]), checkpoint.cash
    return trace(market.time, market.columns.close, changes, np.concatenate(chunks), (*end, left))


def _run_until(kernel: Callable[[Floats], None], memory: Floats, chunks: list[Floats], stop: int) -> None:
    memory[_STOP] = stop
    while memory[_ROW] < stop:
        log = np.empty((min(_FIRST_LOG << len(chunks), _LARGEST_LOG), len(EVENT_COLUMNS)))
        kernel(log)
        chunks.append(log[: int(memory[EVENTS])])
        memory[EVENTS] = 0.0


def summarize(
    bars: Bars | Market,
    targets: Targets,
    execution: Execution,
    *,
    cash: float,
    funding: FundingRates | None = None,
    periods_per_year: float,
) -> Summary:
    """Carry out target positions on bars and keep scalars only: the same step as `run`, for sweeps.

    Give it what `prepare` returns when the same bars are used more than once: checking them takes as long as the run.

    Raises:
        DataError: BAD_BARS, BAD_FUNDING.
        UserError: TARGET_TOO_LARGE, SHORT_NOT_ALLOWED, TARGET_LENGTH, BAD_SETTING.
    """
    market = prepare(bars, funding)
    return summarize_stretches(
        market, targets, stretches_of(market.time, execution), cash=cash, periods_per_year=periods_per_year
    )


def summarize_stretches(
    market: Market, targets: Targets, stretches: tuple[Stretch, ...], *, cash: float, periods_per_year: float
) -> Summary:
    """Do the same under rules that change; `bar_sharpe` is then within rounding of that of one stretch.

    Raises:
        UserError: TARGET_TOO_LARGE, SHORT_NOT_ALLOWED, TARGET_LENGTH, BAD_SETTING.
    """
    changes = check_targets(market, targets, stretches[0].execution)
    memory = np.append(summary_memory(check_cash(cash)), (0.0, 0.0, 0.0, 0.0))  # row, change, funding, last row
    log = np.empty((0, len(EVENT_COLUMNS)))
    for stretch in stretches:
        config = configure(stretch.execution)
        if stretch.start > 0:
            KERNELS.relevel(config, memory)
        memory[-1] = stretch.stop
        kernel = KERNELS.summarize_plain if is_plain(config, market.columns) else KERNELS.summarize
        kernel(config, memory, market.columns, (changes, reach_of(market, config)), market.closes, log)
    return read_summary(memory[:-4], len(market), cash, periods_per_year)


def summary_memory(cash: float) -> Floats:
    """Give the flat state and moments before the first bar, as the loops load and store them."""
    return np.array([*flatten(initial_state(cash)), *Moments(cash, 0.0, 0.0, 0.0, 0.0)])


def read_summary(memory: Floats, count: int, cash: float, periods_per_year: float) -> Summary:
    """Read a summary of `count` bars from flat state and moments."""
    state, moments = unflatten(memory[:STATE_SIZE]), Moments(*memory[STATE_SIZE:].tolist())
    totals = state.totals
    return Summary(
        final_equity=state.equity,
        total_return=state.equity / cash - 1.0,
        trades=int(totals.trades),
        wins=int(totals.wins),
        losses=int(totals.losses),
        draws=int(totals.trades - totals.wins - totals.losses),
        max_drawdown=-moments.drawdown,
        bar_sharpe=_sharpe(moments, count, periods_per_year),
        fees=totals.fees,
        slippage=totals.slippage,
        funding=totals.funding,
        exposure=moments.exposed / count if count else 0.0,
        turnover=totals.turnover,
        ambiguous_bars=int(totals.ambiguous),
        rejected_orders=int(totals.rejected),
    )


def gather(market: Market, marks: Marks, events: Floats, state: State, cash: float) -> Run:
    """Put marks and events together as a `Run`."""
    named = name_events(events)
    close = float(market.columns.close[-1]) if len(market) else 0.0
    return Run(
        time=market.time,
        equity=marks.equity,
        position=marks.position,
        target=marks.target,
        fills=fill_log(named, market.time),
        trades=trade_log(named, market.time, cash, close),
        ambiguous_bars=int(state.totals.ambiguous),
        rejected_orders=int(state.totals.rejected),
    )


def reach_of(market: Market, config: Config) -> Reach:
    """Give what the search for protective exits needs; without any there is nothing to search for."""
    guarded = config.leverage > 1.0 or config.allow_short > 0.0 or _has_exits(config)
    return market.reach if guarded else _NOWHERE


def _has_exits(config: Config) -> bool:
    return max(config.stop_loss, config.take_profit, config.trailing_stop) > 0.0


def _sharpe(moments: Moments, count: int, periods_per_year: float) -> float:
    if count < 2:
        return math.nan
    mean = moments.returns / count
    variance = (moments.squares - count * mean * mean) / (count - 1)
    # Below this the variance is what rounding left of equal returns.
    if variance <= 1e-14 * moments.squares / count:
        return math.nan
    return mean / math.sqrt(variance) * math.sqrt(periods_per_year)
