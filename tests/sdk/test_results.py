from pathlib import Path

import pytest

import tallow
from tallow.domain.evidence import Certificate, Finding
from tallow.sdk.results import Check

RANGE = "2024-01-01..2024-02-01"


@pytest.fixture
def lake(own_lake: Path) -> "tallow.Lake":
    return tallow.open(str(own_lake))


def test_results_have_frames_pictures_and_a_page(lake: "tallow.Lake", tmp_path: Path) -> None:
    result = tallow.backtest("sma_cross", timerange=RANGE, lake=lake, params={"fast": 5, "slow": 20}, check=False)
    assert len(result.equity) == 744
    assert list(result.trades.columns[:4]) == ["entry_row", "exit_row", "entry_time", "exit_time"]
    assert set(result.trades["reason"]) <= {"target", "open"}
    assert len(result.orders) >= len(result.trades)
    assert list(result.incidents.columns) == ["kind", "start", "end", "count", "exposed", "profit"]
    assert result.frame("trades", as_="polars").height == len(result.trades)
    assert result.check is None
    assert len(result.digest) == 64
    assert result.to_dict()["key"] == result.key
    assert "sma_cross" in repr(result)
    assert "<" in result.plot()._repr_html_()
    assert result.report(str(tmp_path / "page.html")).stat().st_size > 10_000


def test_showing_a_plot_writes_the_page_and_opens_it(
    lake: "tallow.Lake", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    result = tallow.backtest("buy_and_hold", timerange=RANGE, lake=lake, check=False)
    path = result.plot().show(str(tmp_path / "page.html"))
    assert opened == [path.absolute().as_uri()]


def test_a_check_is_true_only_when_certified() -> None:
    finding = Finding(3, 0, 3, "down", 1.0, 0.0, "negative shift", 1, "a.py:2", "x.shift(-1)")
    leaky = Check(Certificate("leaky", "row 3 changes", findings=(finding,)))
    assert not leaky
    assert repr(leaky) == "leaky: row 3 changes\n  row 3 (negative shift): 1 -> 0 a.py:2 x.shift(-1)"
    assert Check(Certificate("certified", "fine"))
    assert not Check(Certificate("unknown", "who knows"))
