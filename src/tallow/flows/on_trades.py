"""One more rung of the assumption ladder: the same decisions with their orders filled on recorded trades."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tallow.domain.columns import Bars, FundingRates, Ticks, Times
from tallow.domain.errors import Error
from tallow.domain.evidence import Rung
from tallow.domain.market import Instrument
from tallow.domain.orders import Latency, TickRules
from tallow.domain.ranges import TimeRange
from tallow.domain.scene import Scene
from tallow.domain.sent import Decisions, sent_of
from tallow.domain.tables import META_LINEAGE, SILVER_TRADES
from tallow.flows.read import microseconds
from tallow.ports import Lake

ORDER_LATENCY = 100_000  # microseconds from the close that decides to the venue
MOST_TRADES = 20_000_000  # about a gigabyte while they are read
_LABEL = f"recorded trades, {ORDER_LATENCY // 1_000} ms"
_COLUMNS = ("event_time", "price", "quantity", "buyer_is_maker")


def series_of_trades(instrument: Instrument) -> dict[str, str]:
    """Name the rows of an instrument in the table of trades."""
    return {"venue": instrument.venue, "symbol": instrument.symbol}


def trades_rung(
    scene: Scene, decisions: Decisions, bars: Bars, funding: FundingRates | None, pinned: tuple[Lake, int | None]
) -> Rung:
    """Fill the orders of decisions on the trades that the lake holds, each 100 ms after the close that sends it.

    It needs a trade in every bar that traded; the rung says so where there is none, and has no return then. `pinned` is
    the lake and the version of the table in it.
    """
    (lake, version), where = pinned, series_of_trades(scene.instrument)
    if version is None or not len(bars):
        return _not_run(f"the lake holds no trades of {scene.instrument}")
    closes = _closes(scene, bars)
    span = TimeRange(int(bars.time[0]), int(closes[-1]))
    if _estimate(lake, where, span) > MOST_TRADES:
        return _not_run(f"the lake holds more than {MOST_TRADES:,} trades of the range")
    time = microseconds(lake.read(SILVER_TRADES, where, span, version=version, columns=_COLUMNS[:1]), _COLUMNS[0])
    recorded = np.searchsorted(time, closes) > np.searchsorted(time, bars.time)
    traded = ~(bars.volume <= 0.0)
    missing = int(np.count_nonzero(traded & ~recorded))
    if missing:
        share = f"{int(np.count_nonzero(recorded)):,} of {int(np.count_nonzero(traded)):,}"
        return _not_run(f"the lake holds trades in {share} bars that traded; every one is needed")
    frame = lake.read(SILVER_TRADES, where, span, version=version, columns=_COLUMNS)
    columns: list[NDArray[Any]] = [frame[name].to_numpy() for name in _COLUMNS[1:]]
    ticks = Ticks(np.full(len(time), -1), time, time, *columns)
    try:
        gain = _earned(scene, decisions, (ticks, closes), funding)
    except Error as problem:
        return _not_run(problem.message)
    return Rung("model", _LABEL, 100.0 * gain, f"{_assumed(scene)}; {SILVER_TRADES.full_name} {version}")


def _earned(scene: Scene, decisions: Decisions, market: tuple[Ticks, Times], funding: FundingRates | None) -> float:
    # Loaded here: most runs have no trades, and need no engine for them.
    from tallow.core.ticks import prepare_ticks
    from tallow.core.ticks.replay import run_sent_ticks

    ticks, closes = market
    done = run_sent_ticks(
        prepare_ticks(ticks, funding=funding),
        (sent_of(decisions), closes),
        replace(scene.execution, fill="next_open", volume_impact=0.0),
        cash=scene.cash,
        rules=_rules(scene),
        book=scene.rules,
    )
    return float(done.run.equity[-1] / scene.cash - 1.0)


def _rules(scene: Scene) -> TickRules:
    share = 1.0 if scene.filling.participation is None else scene.filling.participation
    return TickRules(
        Latency(order=ORDER_LATENCY),
        participation=share,
        queue=0.0 if scene.filling.touch_fills else None,
        mark_every=max(1, scene.timeframe.microseconds),
    )


def _assumed(scene: Scene) -> str:
    share = scene.filling.participation
    part = "up to their quantity" if share is None else f"up to {100.0 * share:g} % of their quantity"
    touch = "at" if scene.filling.touch_fills else "beyond"
    return (
        f"orders reach the venue {ORDER_LATENCY // 1_000} ms after the close; market orders fill at the next trades "
        f"{part}, with fees and slippage of the scene, limits at trades {touch} their price; targets fill whole"
    )


def _not_run(why: str) -> Rung:
    return Rung("model", _LABEL, None, f"not run: {why}")


def _closes(scene: Scene, bars: Bars) -> Times:
    # When each bar is over: a bar of a fixed length by that, others by the calendar.
    if scene.timeframe.is_fixed:
        return bars.time + scene.timeframe.microseconds
    return np.array([scene.timeframe.next(int(time)) for time in bars.time], np.int64)


def _estimate(lake: Lake, where: Mapping[str, str], span: TimeRange) -> int:
    # By what was written: counting the trades themselves would mean to read them.
    written = lake.read(META_LINEAGE, {**where, "table_name": SILVER_TRADES.full_name})
    if written.is_empty():
        return 0
    start, end = microseconds(written, "start"), microseconds(written, "end")
    return int(written["rows"].to_numpy()[(start < span.end) & (end >= span.start)].sum())
