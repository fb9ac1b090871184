from pathlib import Path

import pytest

from tallow.app import SystemClock, Workspace, open_workspace
from tallow.domain.errors import UserError
from tallow.domain.ranges import TimeRange
from tallow.domain.tables import GOLD_CANDLES
from tallow.domain.timeframes import DAY
from tallow.settings import Settings

JANUARY = "2024-01-01..2024-02-01"


@pytest.fixture
def workspace(own_lake: Path) -> Workspace:
    return open_workspace(str(own_lake))


def test_the_clock_is_the_machine_s() -> None:
    clock = SystemClock()
    first = clock.monotonic()
    clock.sleep(0.0)
    assert clock.monotonic() >= first
    assert clock.now() > 1_700_000_000_000_000


def test_opening_a_workspace_touches_nothing(tmp_path: Path) -> None:
    workspace = Workspace(Settings(lake=str(tmp_path / "lake")))
    assert workspace.is_empty()
    assert workspace.catalog().is_empty()
    assert workspace.records.list() == []
    assert list(tmp_path.iterdir()) == []


def test_an_instrument_is_looked_up_where_it_is_held(workspace: Workspace) -> None:
    assert str(workspace.instrument("BTC/USDT")) == "simulated:BTC/USDT"
    assert str(workspace.instrument("binance:BTC/USDT")) == "binance:BTC/USDT"
    assert str(workspace.instrument("LTC/USDT")) == "binance:LTC/USDT"


def test_two_venues_with_one_symbol_must_be_told_apart(workspace: Workspace, tmp_path: Path) -> None:
    row = "timestamp,open,high,low,close,volume\n1704067200000,1,2,1,2,3\n"
    (tmp_path / "BTCUSDT-1h.csv").write_text(row)
    workspace.ingest_files([str(tmp_path / "BTCUSDT-1h.csv")], symbol="okx:BTC/USDT", timeframe="1h")
    workspace.refine()
    with pytest.raises(UserError, match="AMBIGUOUS_VENUE") as caught:
        workspace.instrument("BTC/USDT")
    assert "okx" in caught.value.facts["they are"]


def test_what_a_scene_does_not_say_comes_from_the_settings(own_lake: Path) -> None:
    workspace = Workspace(Settings(lake=str(own_lake), cash=77.0, fee=0.002))
    strategy = workspace.strategy("sma_cross", {"fast": "5"})
    scene = workspace.scene(strategy)
    assert (scene.cash, scene.execution.taker_fee, scene.execution.maker_fee) == (77.0, 0.002, 0.002)
    assert scene.parameters["fast"] == 5
    assert workspace.scene(strategy, cash=5.0, fee=0.0, short=True).execution.allow_short
    for given, said in (({"fee": 1.0}, "fee = 1.0"), ({"maker_fee": 1.0}, "maker_fee = 1.0")):
        with pytest.raises(UserError, match=f"^error.BAD_SETTING. {said} is outside|^{said} is outside"):
            workspace.scene(strategy, **given)


def test_days_are_the_last_ones_that_the_lake_holds(workspace: Workspace) -> None:
    scene = workspace.scene(workspace.strategy("rsi", {}), days=3)
    assert scene.range == TimeRange(1_735_689_600_000_000 - 3 * DAY, 1_735_689_600_000_000)
    elsewhere = workspace.scene(workspace.strategy("rsi", {}), symbol="LTC/USDT", days=3)
    assert elsewhere.range.end <= SystemClock().now()


def test_a_pinned_version_is_read_again_after_new_data(workspace: Workspace, tmp_path: Path) -> None:
    strategy = workspace.strategy("buy_and_hold", {})
    stored = workspace.backtest(workspace.scene(strategy, timerange=JANUARY), strategy, check=False)
    before = workspace.lake.version(GOLD_CANDLES)
    row = "timestamp,open,high,low,close,volume\n1735689600000,1,2,1,2,3\n"
    (tmp_path / "more.csv").write_text(row)
    workspace.ingest_files([str(tmp_path / "more.csv")], symbol="simulated:BTC/USDT", timeframe="1h")
    workspace.refine()
    assert workspace.lake.version(GOLD_CANDLES) != before
    assert workspace.replay(stored.key[:12]).equal
    assert workspace.write_page(workspace.stored(stored.key), tmp_path / "r.html").exists()


def test_no_readable_file_is_an_error_one_of_many_is_told(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "recordings" / "binance"
    folder.mkdir(parents=True)
    (folder / "bad.csv").write_text("not,a,known\ntable,at,all\n")
    with pytest.raises(UserError):
        workspace.ingest_files([str(folder)])
    (folder / "BTCUSDT-1h.csv").write_text("timestamp,open,high,low,close,volume\n1704067200000,1,2,1,2,3\n")
    report, skipped = workspace.ingest_files([str(folder)])
    assert report.payloads_seen == 1
    assert [Path(one.path).name for one in skipped] == ["bad.csv"]


def test_candles_can_be_read_by_range(workspace: Workspace) -> None:
    frame = workspace.candles("BTC/USDT", "1h", TimeRange(1_704_067_200_000_000, 1_704_067_200_000_000 + DAY))
    assert frame.height == 24
    with pytest.raises(UserError, match="NO_DATA"):
        workspace.candles("BTC/USDT", "1s")
