from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from tallow.domain.columns import Bars, FundingRates
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate
from tallow.domain.ranges import TimeRange
from tallow.domain.scene import Execution, Scene
from tallow.domain.timeframes import HOUR, parse_timeframe
from tallow.flows.backtest import Desk, backtest, backtest_bars, overruled, pin, read_market
from tallow.flows.ingest import ingest
from tallow.flows.refine import refine
from tallow.flows.replay import replay
from tallow.ports import Page, Strategy

START = 1_704_067_200_000_000


def clean(strategy: Strategy, bars: Bars, scene: Scene, funding: FundingRates | None) -> Certificate:
    return Certificate("certified", "nothing found", rows=len(bars))


def test_a_result_is_computed_once_and_found_again(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    first = backtest(scene, hold(), desk)
    assert backtest(scene, hold(), desk).digest == first.digest
    assert desk.evaluate.calls == 1  # type: ignore[attr-defined]
    assert first.table_versions == pin(desk.lake, scene)
    assert first.bars_origin == "native"
    assert len(first.run.equity) == 196
    backtest(scene, hold(), desk, cache=False)
    assert desk.evaluate.calls == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "other",
    [{"cash": 5.0}, {"execution": Execution(taker_fee=0.0)}, {"range": TimeRange(START, START + 50 * HOUR)},
     {"parameters": {"a": 1}}],
)  # fmt: skip
def test_any_changed_field_is_a_miss(desk: Desk, other: dict[str, object], scene: Scene, hold: type[Strategy]) -> None:
    backtest(scene, hold(), desk)
    backtest(replace(scene, **other), hold(), desk)  # type: ignore[arg-type]
    assert desk.evaluate.calls == 2  # type: ignore[attr-defined]


def test_changed_source_and_changed_data_are_misses(
    desk: Desk, candle_page: Callable[..., Page], scene: Scene, hold: type[Strategy]
) -> None:
    first = backtest(scene, hold(), desk)
    assert backtest(scene, hold(source="other text"), desk).key != first.key
    ingest([candle_page([300], symbol="BTC/USDT")], desk.lake)
    refine(desk.lake)
    assert backtest(scene, hold(), desk).key != first.key


def test_data_of_another_series_is_no_miss(
    desk: Desk, candle_page: Callable[..., Page], scene: Scene, hold: type[Strategy]
) -> None:
    first = backtest(scene, hold(), desk)
    ingest([candle_page(range(5), symbol="ETH/USDT")], desk.lake)
    refine(desk.lake)
    assert backtest(scene, hold(), desk).key == first.key
    assert desk.evaluate.calls == 1  # type: ignore[attr-defined]


def test_a_stored_result_gets_its_certificate_later(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    assert backtest(scene, hold(), desk).certificate is None
    certified = backtest(scene, hold(), replace(desk, certify=clean))
    assert certified.certificate == clean(
        hold(), read_market(desk.lake, scene, pin(desk.lake, scene)).bars, scene, None
    )
    assert desk.evaluate.calls == 1  # type: ignore[attr-defined]


def test_own_candles_need_no_lake_and_are_not_stored(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    bars = read_market(desk.lake, scene, pin(desk.lake, scene)).bars
    result = backtest_bars(scene, hold(), bars, replace(desk, certify=clean))
    assert result.digest == backtest(scene, hold(), desk).digest
    assert desk.records.load(result.key) is None
    assert replay(result, hold(), desk, bars).equal
    moved = replace(bars, close=bars.close + 1)
    assert backtest_bars(scene, hold(), moved, desk).key != result.key


def test_close_fills_and_built_candles_are_said(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    refine(desk.lake, timeframes=("4h",))
    scene = replace(scene, timeframe=parse_timeframe("4h"), execution=Execution(fill="close"))
    notes = " ".join(backtest(scene, hold(), desk).notes)
    assert "OPTIMISTIC" in notes
    assert "1h" in notes


@dataclass(frozen=True)
class Declaring:
    """A strategy that sets options of its run itself."""

    declares: dict[str, object]


def test_what_a_run_does_otherwise_than_its_strategy_asks_is_said(scene: Scene) -> None:
    asked = Declaring({"timeframe": "5m", "stop_loss": 0.1, "short": False})
    said = overruled(replace(scene, execution=Execution(stop_loss=0.02)), asked)  # type: ignore[arg-type]
    assert said == (
        "the strategy asks for timeframe = 5m, this run has 1h",
        "the strategy asks for stop_loss = 0.1, this run has 0.02",
    )
    assert overruled(scene, Declaring({"timeframe": "1h"})) == ()  # type: ignore[arg-type]


def test_candles_of_another_length_than_the_scene_says_are_refused(
    desk: Desk, scene: Scene, hold: type[Strategy]
) -> None:
    bars = read_market(desk.lake, scene, pin(desk.lake, scene)).bars
    assert len(backtest_bars(scene, hold(), bars[:1], desk).run.equity) == 1
    for length in ("15m", "4h"):
        with pytest.raises(UserError) as caught:
            backtest_bars(replace(scene, timeframe=parse_timeframe(length)), hold(), bars, desk)
        assert caught.value.code == "BAD_TIMEFRAME"


def test_a_run_that_decides_on_coarser_candles_says_so(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    notes = backtest(replace(scene, parameters={"decide-on": "4h"}), hold(), desk).notes
    assert "decided on 4h candles made of these, filled on 1h" in notes
