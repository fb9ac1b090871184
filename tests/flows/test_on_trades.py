"""The same decisions on recorded trades: what is needed for it, what is assumed, and what comes out."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tallow.domain.columns import Bars, FundingRates
from tallow.domain.fill_rules import FillRules
from tallow.domain.market import parse_symbol
from tallow.domain.orders import Order, Side
from tallow.domain.scene import Execution, Scene
from tallow.domain.sent import Decisions, Sent
from tallow.domain.tables import SILVER_TRADES
from tallow.domain.timeframes import MINUTE, parse_timeframe
from tallow.domain.venue_rules import RuleBook, VenueRules
from tallow.flows import on_trades, report
from tallow.flows.backtest import Desk, backtest, pin, read_market
from tallow.flows.ingest import ingest
from tallow.flows.on_trades import series_of_trades, trades_rung
from tallow.flows.refine import refine
from tallow.ports import Lake, Page, Strategy

FREE = Execution(maker_fee=0.0, taker_fee=0.0)
COUNT = 10


@pytest.fixture
def scene() -> Scene:
    return Scene("any", parse_symbol("BTC/USDT"), parse_timeframe("1m"), cash=1_000.0, execution=FREE)


@pytest.fixture
def recorded(lake: Lake, trade_page: Callable[..., Page]) -> Lake:
    """Ten minutes of trades and one more, one a second; candles of a minute are made of them."""
    ingest([trade_page(range(COUNT * 60 + 1))], lake, job="test")
    refine(lake)
    return lake


def held(lake: Lake, scene: Scene) -> tuple[Lake, int | None]:
    return lake, lake.version(SILVER_TRADES, series_of_trades(scene.instrument))


def bars_of(desk: Desk, scene: Scene) -> Bars:
    return read_market(desk.lake, scene, pin(desk.lake, scene)).bars


def price(second: int) -> float:
    return 100.0 + (second * 7 % 23)


def test_a_target_fills_at_the_first_trade_after_the_latency(recorded: Lake, desk: Desk, scene: Scene) -> None:
    bars = bars_of(desk, scene)
    assert len(bars) == COUNT
    targets = np.array([0.0, 1.0, 1.0, 0.0, *[0.0] * 6])
    rung = trades_rung(scene, targets, bars, None, held(recorded, scene))
    # Decided at 120 s and 240 s, there 100 ms later: the trades at those seconds have passed.
    assert rung.return_pct == pytest.approx(100.0 * (price(241) / price(121) - 1.0))
    assert (rung.kind, rung.label) == ("model", "recorded trades, 100 ms")
    assert "silver.trades" in rung.assumption
    assert "100 ms after the close" in rung.assumption


def test_a_trade_before_the_order_is_at_the_venue_does_not_fill_it(
    lake: Lake, trade_page: Callable[..., Page], desk: Desk, scene: Scene
) -> None:
    # A trade a second, and more of them 99 and 101 ms after the closes that decide, each at another price.
    near = [close + after for close in (120_000, 240_000) for after in (99, 101)]
    ingest([trade_page(sorted([*range(0, COUNT * 60_000 + 1, 1_000), *near]), step=1_000)], lake, job="test")
    refine(lake)
    bars, targets = bars_of(desk, scene), np.array([0.0, 1.0, 1.0, 0.0, *[0.0] * 6])
    assert len({price(one) for one in (120_000, *near[:2], 121_000)}) == 4
    rung = trades_rung(scene, targets, bars, None, held(lake, scene))
    assert rung.return_pct == pytest.approx(100.0 * (price(240_101) / price(120_101) - 1.0))


def test_a_scene_that_fills_at_the_close_has_the_rung_too(recorded: Lake, desk: Desk, scene: Scene) -> None:
    bars, targets = bars_of(desk, scene), np.ones(COUNT)
    at_close = replace(scene, execution=replace(FREE, fill="close"))
    plain, same = (trades_rung(one, targets, bars, None, held(recorded, scene)).return_pct for one in (scene, at_close))
    assert plain is not None
    assert same == plain


def bid(row: int, limit: float, count: int = COUNT) -> Sent:
    from tallow.core.orders.session import message_of

    message = np.array([message_of(Order(Side.BUY, 1.0, "limit", price=limit))])
    return Sent(np.array([row]), message, count)


def test_orders_fill_by_the_rules_of_trades(recorded: Lake, desk: Desk, scene: Scene) -> None:
    bars = bars_of(desk, scene)
    last = price(COUNT * 60 - 1)

    def earned(decisions: Decisions, **changes: object) -> float:
        rung = trades_rung(replace(scene, **changes), decisions, bars, None, held(recorded, scene))  # type: ignore[arg-type]
        assert rung.return_pct is not None
        return 10.0 * rung.return_pct  # in quote units, of 1,000

    lowest = 100.0  # of all prices; no trade goes beyond it
    assert earned(bid(0, lowest)) == 0.0
    assert earned(bid(0, lowest), filling=FillRules(touch_fills=True)) == pytest.approx(last - 100.0)
    # A tenth of each trade: ten trades below the limit fill it.
    half = replace(bid(0, 104.5), message=bid(0, 104.5).message)
    assert earned(half, filling=FillRules(participation=0.1)) == pytest.approx(earned(half), abs=10.0)
    rules = RuleBook((VenueRules(0, lot_size=0.75),))
    assert earned(bid(0, lowest), filling=FillRules(touch_fills=True), rules=rules) == pytest.approx(
        0.75 * (last - 100)
    )


def test_funding_is_paid_on_trades(recorded: Lake, desk: Desk, scene: Scene) -> None:
    bars = bars_of(desk, scene)
    paid = FundingRates(bars.time[5:6] + 1, np.array([0.01]))
    targets = np.ones(COUNT)
    free, less = (trades_rung(scene, targets, bars, rates, held(recorded, scene)).return_pct for rates in (None, paid))
    assert free is not None
    assert less is not None
    assert less == pytest.approx(free - 100.0 * 0.01 * price(300) / price(61))


def test_without_trades_the_rung_says_so(
    recorded: Lake, desk: Desk, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars, targets = bars_of(desk, scene), np.ones(COUNT)

    def told(scene: Scene, bars: Bars, decisions: Decisions = targets) -> str:
        rung = trades_rung(scene, decisions, bars, None, held(recorded, scene))
        assert rung.return_pct is None
        return rung.assumption

    other = replace(scene, instrument=parse_symbol("ETH/USDT"))
    assert told(other, bars) == "not run: the lake holds no trades of binance:ETH/USDT"
    assert "no trades" in told(scene, bars[:0])
    later = replace(bars, time=bars.time + 5 * MINUTE)
    assert told(scene, later) == "not run: the lake holds trades in 6 of 10 bars that traded; every one is needed"
    quiet = replace(later, volume=np.where(np.arange(COUNT) < 6, 2.0, 0.0))
    assert trades_rung(scene, targets, quiet, None, held(recorded, scene)).return_pct is not None
    full = Sent(np.zeros(40, np.int64), np.repeat(bid(0, 1.0).message, 40, axis=0), COUNT)
    assert "orders working at once" in told(scene, bars, full)
    monkeypatch.setattr(on_trades, "MOST_TRADES", 599)
    assert told(scene, bars) == "not run: the lake holds more than 599 trades of the range"
    assert trades_rung(scene, targets, bars[:0], None, held(recorded, scene)).return_pct is None


def test_a_result_has_the_rung_and_its_page_shows_it(
    recorded: Lake, desk: Desk, scene: Scene, hold: type[Strategy]
) -> None:
    @dataclass(frozen=True)
    class Half(hold):  # type: ignore[misc,valid-type]
        def targets(self, bars: Bars) -> Decisions:
            return np.where(np.arange(len(bars)) < 5, 0.5, 0.0)

    result = backtest(scene, Half(), desk)
    assert backtest(scene, Half(), desk) is not result
    assert backtest(scene, Half(), desk).key == result.key
    assert result.table_versions[SILVER_TRADES.full_name] == recorded.version(
        SILVER_TRADES, series_of_trades(scene.instrument)
    )
    rung = result.ladder[4]
    assert rung.label == "recorded trades, 100 ms"
    assert rung.return_pct is not None
    page = report.render(result, bars_of(desk, scene))
    assert "recorded trades, 100 ms" in page
    bare = replace(result, ladder=(*result.ladder[:4], replace(rung, return_pct=None, assumption="not run: none")))
    assert "not run: none" in report.text(bare)
    assert "not run: none" in report.render(bare, bars_of(desk, scene))


def test_candles_of_the_calendar_end_by_it(recorded: Lake, scene: Scene) -> None:
    month = replace(scene, timeframe=parse_timeframe("1M"))
    start, column = np.array([1_704_067_200_000_000]), np.array([100.0])
    bars = Bars.of(start, (column, column, column, column, column))
    rung = trades_rung(month, np.ones(1), bars, None, held(recorded, scene))
    assert rung.return_pct == 0.0


def test_impact_is_not_counted_on_top_of_the_quantity_of_trades(recorded: Lake, desk: Desk, scene: Scene) -> None:
    bars = bars_of(desk, scene)
    costly = replace(scene, execution=replace(FREE, volume_impact=0.5))
    plain, same = (
        trades_rung(one, np.ones(COUNT), bars, None, held(recorded, scene)).return_pct for one in (scene, costly)
    )
    assert plain == same


def test_trades_that_come_later_make_another_result(
    recorded: Lake, trade_page: Callable[..., Page], desk: Desk, scene: Scene, hold: type[Strategy]
) -> None:
    first = backtest(scene, hold(), desk)
    ingest([trade_page(range(COUNT * 60 + 1, COUNT * 60 + 30))], recorded, job="test")
    refine(recorded)
    again = backtest(scene, hold(), desk)
    assert again.key != first.key
    assert again.table_versions[SILVER_TRADES.full_name] > first.table_versions[SILVER_TRADES.full_name]
