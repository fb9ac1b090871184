from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from tallow.core.portfolio import AccountRules, EveryBars, OnChange, Rebalance
from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import UserError
from tallow.domain.holdout import Seal
from tallow.domain.market import parse_symbol
from tallow.domain.ranges import EVERYTHING, TimeRange
from tallow.domain.scene import Execution, Scene, Value
from tallow.domain.timeframes import HOUR, Timeframe, parse_timeframe
from tallow.domain.venue_rules import RuleBook, VenueRules
from tallow.flows.backtest import Desk
from tallow.flows.ingest import ingest
from tallow.flows.portfolio import Book, one_range, open_portfolio, portfolio, replay_portfolio
from tallow.flows.refine import refine
from tallow.ports import Page

START = 1_704_067_200_000_000  # 2024-01-01
LENGTH = parse_timeframe("1h")


@dataclass(frozen=True)
class Fixed:
    """The same weights at every row."""

    share: float = 0.4
    name: str = "fixed"
    source: str = "the same at every row"
    file: str = "fixed.py"
    parameters: Mapping[str, Value] = field(default_factory=dict)

    def with_clock_moved(self) -> "tuple[Fixed, ...]":
        return ()

    def weigh(self, bars: Mapping[str, Bars], timeframe: Timeframe) -> Floats:
        rows = len(set().union(*(own.time.tolist() for own in bars.values())))
        return np.full((rows, len(bars)), self.share)


@dataclass(frozen=True)
class Given(Fixed):
    """Weights of one instrument as they stand in a table, cut to the bars."""

    table: tuple[float, ...] = ()

    def weigh(self, bars: Mapping[str, Bars], timeframe: Timeframe) -> Floats:
        (own,) = bars.values()
        return np.array(self.table)[: len(own), None]


@pytest.fixture
def scenes(desk: Desk, candle_page: Callable[..., Page], funding_page: Callable[..., Page]) -> tuple[Scene, ...]:
    """Spot with a hole of four hours, and a perpetual with funding that begins later."""
    pages = [candle_page(range(50, 200), symbol="BTC/USDT:USDT", source="b"), funding_page([*range(56, 200, 8)])]
    ingest(pages, desk.lake)
    refine(desk.lake)
    symbols = (parse_symbol("BTC/USDT"), parse_symbol("BTC/USDT:USDT"))
    return tuple(Scene("fixed", symbol, LENGTH, execution=Execution(taker_fee=0.001)) for symbol in symbols)


def book(scenes: tuple[Scene, ...], weights: Fixed | None = None, rebalance: Rebalance | None = None) -> Book:
    rules = AccountRules(rebalance or OnChange())
    return Book([str(scene.instrument) for scene in scenes], weights or Fixed(), rules)


def test_instruments_of_different_times_share_an_account(desk: Desk, scenes: tuple[Scene, ...]) -> None:
    done = portfolio(book(scenes), scenes, desk)
    spot, perpetual = done.instruments
    assert done.run.symbols == ("BTC/USDT", "BTC/USDT:USDT")
    # The hole of the spot market lies within the perpetual's bars.
    assert (len(done.run.time), spot.bars, perpetual.bars) == (200, 196, 150)
    assert (spot.stale_marks, perpetual.stale_marks) == (4, 0)
    assert (spot.trades, spot.open_trades) == (0, 1)
    assert spot.profit + perpetual.profit == pytest.approx(float(done.run.equity[-1]) - 10_000.0)
    assert spot.fees + perpetual.fees == pytest.approx(done.metrics["fees"])
    assert done.metrics["funding"] != 0.0
    assert set(spot.versions) == {"gold.candles"}
    assert set(perpetual.versions) == {"gold.candles", "silver.funding"}
    assert [incident.kind for incident in spot.incidents] == ["MISSING"]
    assert spot.incidents[0].exposed
    assert done.certificate is not None
    assert done.certificate.verdict == "certified"
    assert done.certificate.data == "BTC/USDT, BTC/USDT:USDT 1h, 346 bars from 2024-01-01"
    assert [row["key"] for row in desk.records.list()] == [done.key]


def test_a_digest_names_one_run_and_versions_pin_the_data(
    desk: Desk, scenes: tuple[Scene, ...], candle_page: Callable[..., Page]
) -> None:
    first = portfolio(book(scenes), scenes, desk, check=False)
    again = portfolio(book(scenes), scenes, desk, check=False)
    assert (again.digest, again.data_digest) == (first.digest, first.data_digest)
    assert portfolio(book(scenes, Fixed(0.3, source="another share")), scenes, desk, check=False).digest != first.digest
    ingest([candle_page(range(200, 210), source="c")], desk.lake)
    refine(desk.lake)
    later = portfolio(book(scenes), scenes, desk, check=False)
    assert later.data_digest != first.data_digest
    assert later.instruments[0].versions != first.instruments[0].versions
    assert later.instruments[1].versions == first.instruments[1].versions


def test_what_holds_for_one_symbol_alone_is_said_with_its_name(desk: Desk, scenes: tuple[Scene, ...]) -> None:
    free = tuple(replace(scene, execution=Execution(maker_fee=0.0, taker_fee=0.0)) for scene in scenes)
    desk.records.seal(Seal("binance:BTC/USDT", "1h", START + 100 * HOUR, START))
    cut = (replace(free[0], range=TimeRange(EVERYTHING.start, START + 100 * HOUR)), free[1])
    done = portfolio(book(free), cut, desk, check=False)
    assert done.notes[0] == "NO COSTS: fees and slippage are 0"
    assert done.notes[1].startswith("BTC/USDT: HOLDOUT the range ends at 2024-01-05T04:00Z")
    # The other symbol ends there as well.
    assert int(done.run.time[-1]) == START + 99 * HOUR
    assert {one.scene.range.end for one in done.instruments} == {START + 100 * HOUR}


def test_sealed_data_are_refused_with_the_free_part(desk: Desk, scenes: tuple[Scene, ...]) -> None:
    for name, hours in (("binance:BTC/USDT", 120), ("binance:BTC/USDT:USDT", 100)):
        desk.records.seal(Seal(name, "1h", START + hours * HOUR, START))
    with pytest.raises(UserError) as caught:
        portfolio(book(scenes), scenes, desk)
    assert (caught.value.code, caught.value.exit_code) == ("SEALED", 5)
    symbols = "-s binance:BTC/USDT -s binance:BTC/USDT:USDT -t 1h"
    # What is free of all ends with the first seal.
    free = f"tallow portfolio fixed.py {symbols} --timerange ..2024-01-05T04:00Z"
    assert list(caught.value.commands) == [free, f"tallow holdout open-portfolio fixed.py {symbols}"]
    handed = replace(book(scenes), weights=Fixed(file="/tmp/tallow-weights-x/mine.py"))
    with pytest.raises(UserError) as caught:
        portfolio(handed, scenes, desk)
    assert caught.value.commands[0].startswith("tallow portfolio fixed -s ")


def test_one_symbol_of_two_venues_keeps_its_venue_and_each_is_there_once(desk: Desk, scenes: tuple[Scene, ...]) -> None:
    other = replace(scenes[0], instrument=parse_symbol("bybit:BTC/USDT"))
    opened: list[str] = []
    with pytest.raises(UserError, match="NO_DATA"):
        portfolio(book(scenes), (scenes[0], other), desk, lambda scene: opened.append(str(scene.instrument)))
    assert opened == ["binance:BTC/USDT", "bybit:BTC/USDT"]
    with pytest.raises(UserError, match="more than once"):
        portfolio(book(scenes), (scenes[0], scenes[0]), desk)
    with pytest.raises(UserError, match="NO_INSTRUMENTS"):
        portfolio(book(()), (), desk)


def test_all_get_the_range_of_the_first_to_end(scenes: tuple[Scene, ...]) -> None:
    first = replace(scenes[0], range=TimeRange(5, 20))
    assert [one.range for one in one_range([first, replace(scenes[1], range=TimeRange(3, 30))])] == [
        TimeRange(3, 20)
    ] * 2
    assert one_range([]) == ()


def test_each_instrument_trades_under_the_rules_of_its_own_venue(desk: Desk, scenes: tuple[Scene, ...]) -> None:
    plain = portfolio(book(scenes), scenes, desk, check=False)
    lots = RuleBook((VenueRules(START, lot_size=0.5), VenueRules(START + 100 * HOUR, lot_size=2.0)))
    ruled = (scenes[0], replace(scenes[1], rules=lots))
    weekly = EveryBars(30)
    done = portfolio(book(ruled, rebalance=weekly), ruled, desk, check=False)
    assert done.key != portfolio(book(scenes, rebalance=weekly), scenes, desk, check=False).key != plain.key
    own = done.run.instrument_run(1).fills
    early = own.time < START + 100 * HOUR
    assert early.any()
    assert set((own.quantity[early] % 0.5).tolist()) | set((own.quantity[~early] % 2.0).tolist()) == {0.0}
    assert (done.run.instrument_run(0).fills.quantity % 0.5).any()
    assert [note for note in done.notes if "VENUE" in note] == [
        "BTC/USDT:USDT: VENUE RULES 2 of 2 versions used, given by hand; new ones begin 2024-01-05T04:00Z"
    ]
    found = desk.records.filed(done.key)
    assert found is not None
    assert replay_portfolio(found, lambda *_: Fixed(), desk).equal
    assert open_portfolio(found, desk).scene.venue_rules == (None, lots)
    assert done.ladder[1].return_pct == pytest.approx(done.run.equity[-1] / 100.0 - 100.0)
    again = portfolio(book(ruled, rebalance=weekly), ruled, desk, check=False)
    assert (again.key, again.digest) == (done.key, done.digest)
