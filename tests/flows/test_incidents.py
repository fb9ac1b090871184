from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tallow.app import open_workspace
from tallow.core.engine import run
from tallow.domain.columns import Bars, FundingRates, Times
from tallow.domain.evidence import Incident
from tallow.domain.market import parse_symbol
from tallow.domain.results import Run
from tallow.domain.scene import Execution, Scene
from tallow.domain.tables import META_QUARANTINE
from tallow.domain.timeframes import HOUR, parse_timeframe
from tallow.flows.backtest import Desk, backtest
from tallow.flows.incidents import find_incidents, profit_inside
from tallow.ports import Origin, Strategy

START = 1_704_067_200_000_000


def test_gaps_are_incidents_with_the_profit_across_them(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    result = backtest(scene, hold(), desk)
    gap = next(one for one in result.incidents if one.kind == "MISSING")
    assert (gap.start, gap.end, gap.count) == (START + 100 * HOUR, START + 104 * HOUR, 4)
    assert gap.exposed
    assert gap.profit == result.run.equity[100] - result.run.equity[99]


def still(equity: list[float], position: list[float], hours: list[int] | None = None) -> Run:
    places = list(range(len(equity))) if hours is None else hours
    time = START + np.array(places, np.int64) * HOUR
    nothing = run(flat(np.arange(2) * HOUR), np.zeros(2), Execution(), cash=1.0)
    return Run(time, np.array(equity), np.array(position), np.zeros(len(equity)), nothing.fills, nothing.trades, 0, 0)


def flat(time: Times) -> Bars:
    ones = np.ones(len(time))
    return Bars.of(time, (ones, ones, ones, ones, ones))


def test_quarantined_rows_tell_exposure_and_profit(desk: Desk, scene: Scene) -> None:
    rows = [
        {"venue": "binance", "symbol": "BTC/USDT", "table_name": "silver.candles", "timeframe": "1h", "reason": "x",
         "time": datetime(2024, 1, 1, hour, tzinfo=UTC), "record": str(hour), "payload": ""}
        for hour in (1, 3)
    ]  # fmt: skip
    schema = desk.lake.read(META_QUARANTINE).schema
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
    desk.lake.write(META_QUARANTINE, frame, Origin("test"))
    # The candle of 01:00 is not among the bars, that of 03:00 is: another row took its place.
    done = still([10.0, 14.0, 15.0], [1.0, 0.0, 0.0], [0, 2, 3])
    bars = flat(done.time)
    found = [
        one for one in find_incidents(desk.lake, scene, bars, done, has_funding=False) if one.kind == "QUARANTINED"
    ]
    assert [(one.exposed, one.profit) for one in found] == [(True, 4.0), (False, 0.0)]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([0, 8, 16, 24, 32, 40], []),
        ([0, 8, 16, 32, 40], [(24, 32, 1)]),
        ([16, 24, 32, 40], [(0, 16, 2)]),
        ([0, 8, 16], [(24, 48, 3)]),
        ([0, 8, 16, 24, 28, 32, 36, 40, 44], []),  # the interval changes from 8 to 4 hours: nothing is missing
        ([0, 8], []),  # too few to know a rhythm
    ],
)
def test_missing_funding_is_found_by_its_own_rhythm(
    desk: Desk, scene: Scene, hours: list[int], expected: list[tuple[int, int, int]]
) -> None:
    done = still([float(hour) for hour in range(48)], [1.0] * 48)
    times = START + np.array(hours, np.int64) * HOUR
    rates = FundingRates(times, np.full(len(hours), 1e-4))
    mine = replace(scene, instrument=parse_symbol("BTC/USDT:USDT"))
    incidents = find_incidents(desk.lake, mine, flat(done.time), done, has_funding=True, funding=rates)
    found = [one for one in incidents if one.kind == "FUNDING_MISSING"]
    assert [((one.start - START) // HOUR, (one.end - START) // HOUR, one.count) for one in found] == expected
    assert all(one.exposed and one.profit > 0.0 for one in found)


def test_profit_inside_counts_every_moment_once(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    done = still([10.0, 14.0, 15.0, 11.0, 18.0], [1.0] * 5)
    result = replace(backtest(scene, hold(), desk), run=done)
    hour = [START + place * HOUR for place in range(6)]
    one, two, all_along = (
        Incident("GAP", hour[1], hour[2], 1),
        Incident("X", hour[1], hour[3], 1),
        Incident("FUNDING_MISSING", hour[0], hour[5], 5),
    )
    assert profit_inside(replace(result, incidents=(one,))) == 4.0
    assert profit_inside(replace(result, incidents=(one, two, all_along))) == 5.0
    assert profit_inside(replace(result, incidents=())) == 0.0
    assert profit_inside(replace(result, run=still([1.0], [0.0]), incidents=(one,))) == 0.0
    months = replace(result, scene=replace(scene, timeframe=parse_timeframe("1M")), incidents=(one,))
    assert profit_inside(replace(months, run=still([1.0, 2.0], [1.0, 1.0], [0, 744]))) == 0.0


@pytest.mark.shared
def test_recorded_payments_that_begin_later_than_the_candles(shared_data: Path, tmp_path: Path) -> None:
    workspace = open_workspace(str(tmp_path / "lake"))
    folder = shared_data / "binance" / "usdm"
    workspace.ingest_files([str(folder / "funding"), str(folder / "klines-5m")])
    workspace.refine()
    code = workspace.strategy("buy_and_hold", {})
    result = workspace.backtest(workspace.scene(code, symbol="XRP/USDT:USDT", timeframe="5m"), code, check=False)
    # Candles from 15 November, payments from the 18th, every eight hours, each some milliseconds late.
    missing = [one for one in result.incidents if one.kind == "FUNDING_MISSING"]
    assert [(one.count, one.exposed) for one in missing] == [(9, True)]
    assert missing[0].end == 1_637_193_600_017_000
