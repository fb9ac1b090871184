"""Mistakes 1, 2, 5 and 7: what is known only later. Each is refused by the certificate, by name."""

import pytest

import tallow
from tallow.runners.frames import to_frame

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        ("trix_extremes", "index ahead", "line[t - 1] > line[t] < line[t + 1]"),
        ("filled_back", "backward fill", "bfill()"),
        ("quantiles_of_all", "whole-sample statistic", "moves.quantile(share)"),
        ("random_split", "fit on all rows", "lstsq("),
    ],
)
def test_a_strategy_that_knows_the_future_is_leaky_by_name(checked, name, kind, line):
    verdict = checked(name).certificate
    assert verdict.verdict == "leaky"
    finding = verdict.findings[0]
    assert finding.kind == kind
    assert line in finding.source
    assert finding.location.partition(".py:")[0].endswith(name)
    assert f"--cut {finding.cut}" in finding.replay


def test_data_from_elsewhere_leaves_the_verdict_open(checked):
    verdict = checked("other_market").certificate
    assert verdict.verdict == "unknown"
    assert "uses more than the bars it is given" in verdict.reason
    assert "stocks.csv" in verdict.reason


def test_a_closed_market_is_a_hole_that_the_result_names(market, lake):
    frame = to_frame(market())
    weekdays = frame[frame.index.day_of_week < 5]
    lake.write(weekdays, symbol="SPX/USDT", timeframe="1h")
    result = tallow.backtest("buy_and_hold", "own:SPX/USDT", "1h", lake=lake, check=False)
    assert len(result.equity) == len(weekdays)
    holes = result.incidents
    assert holes["count"].tolist() == [48, 48, 48]
    assert set(holes["kind"]) == {"MISSING"}
    assert holes["exposed"].all()
