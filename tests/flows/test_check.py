from dataclasses import dataclass, field

import numpy as np
import pytest

from tallow.core.causality import FreshRuns
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.timeframes import HOUR, parse_timeframe
from tallow.flows.check import Bench, Budget, check, check_label, horizon_of, replay_command, replay_finding


@dataclass
class Clock:
    """A clock that advances a tenth of a second whenever it is read."""

    seconds: float = 0.0

    def now(self):
        return 0

    def monotonic(self):
        self.seconds += 0.1
        return self.seconds

    def sleep(self, seconds):
        self.seconds += seconds


@dataclass
class Written:
    name: str = "mine"
    source: str = "def signals(bars):\n    return bars.close.shift(-1) > bars.close\n"
    parameters: dict = field(default_factory=dict)

    def targets(self, bars):
        return past(bars)


def past(bars):
    return np.append(0.0, np.sign(np.diff(bars.close)))


def ahead(bars):
    return np.append(np.sign(np.diff(bars.close)), 0.0)


@pytest.fixture
def bars():
    close = 100 * np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.01, 250)))
    return Bars.of(np.arange(250) * HOUR, (close, close * 1.01, close * 0.99, close, np.ones(250)))


def test_a_causal_strategy_is_certified_and_its_data_named(bars):
    certificate = check(Written(), bars, Bench(past, Clock()), data="BTC/USDT 1h")
    assert certificate.verdict == "certified"
    assert certificate.data == "BTC/USDT 1h"
    assert len(certificate.strategy_hash) == 64


def test_a_finding_can_be_shown_again(bars):
    [finding] = check(Written(), bars, Bench(ahead, Clock(), file="mine.py")).findings
    assert finding.location == "mine.py:2"
    assert finding.replay == replay_command("tallow check mine.py", finding)
    assert f"--cut {finding.cut} --future {finding.method}" in finding.replay


def test_the_replay_is_of_the_same_data(bars):
    bench = Bench(ahead, Clock(), command="tallow check mine.py -s ETH/USDT")
    assert check(Written(), bars, bench).findings[0].replay.startswith("tallow check mine.py -s ETH/USDT --cut ")


def test_a_strategy_without_a_file_goes_by_its_name(bars):
    assert check(Written(), bars, Bench(ahead, Clock())).findings[0].location.startswith("mine:")


def test_more_time_covers_more_rows(bars):
    few = check(Written(), bars, Bench(past, Clock()), budget=Budget(extra=0.0))
    more = check(Written(), bars, Bench(past, Clock()), budget=Budget(extra=20.0))
    assert more.runs > few.runs


def test_the_limit_makes_the_verdict_unknown(bars):
    certificate = check(Written(), bars, Bench(past, Clock()), budget=Budget(limit=1.0))
    assert certificate.verdict == "unknown"
    assert "time limit" in certificate.reason


def test_progress_is_told(bars):
    told = []
    certificate = check(Written(), bars, Bench(past, Clock()), progress=lambda *said: told.append(said))
    assert told[0] == ("checking for look-ahead", 25, 0)
    assert told[-1] == ("checking for look-ahead", certificate.runs, certificate.runs)


def test_all_of_the_bench_is_used(bars):
    class Elsewhere:
        def collect(self):
            return FreshRuns(past(bars), effects=("reads secrets.csv",))

        def cancel(self):
            raise AssertionError

    bench = Bench(past, Clock(), fresh=lambda given, cuts: Elsewhere(), by_bar=True)
    assert "secrets.csv" in check(Written(), bars, bench).reason
    moved = Bench(past, Clock(), clock_moved=[past, ahead])
    assert "clock" in check(Written(), bars, moved).reason


def test_too_few_bars_are_refused(bars):
    with pytest.raises(UserError) as raised:
        check(Written(), bars[:2], Bench(past, Clock()))
    assert raised.value.code == "TOO_FEW_BARS"


def test_a_finding_is_the_output_with_and_without_the_true_future(bars):
    before, after = replay_finding(ahead, bars, cut=100, future="truncate", row=100)
    assert (before, after) == (ahead(bars)[100], 0.0)
    assert len(set(replay_finding(past, bars, cut=100, future="truncate", row=100))) == 1
    for asked in ({"cut": 250, "row": 0}, {"cut": 0, "row": 250}, {"cut": 0, "row": 0, "future": "none"}):
        with pytest.raises(UserError, match="no finding") as caught:
            replay_finding(past, bars, **{"future": "truncate", **asked})
        assert caught.value.code == "BAD_PARAMETER"


@pytest.mark.parametrize(("horizon", "rows"), [("4h", 4), (" 1d ", 24), ("0", 0), (7, 7)])
def test_a_horizon_is_a_number_of_bars(horizon, rows):
    assert horizon_of(horizon, parse_timeframe("1h")) == rows


@pytest.mark.parametrize("horizon", ["90m", "soon", -1, ""])
def test_what_is_no_horizon_is_refused(horizon):
    with pytest.raises(UserError, match="is no whole number of 1h bars") as caught:
        horizon_of(horizon, parse_timeframe("1h"))
    assert caught.value.code == "BAD_PARAMETER"


@pytest.mark.parametrize(
    ("run", "horizon", "verdict"), [(past, 0, "certified"), (ahead, 1, "certified"), (ahead, 0, "leaky")]
)
def test_a_label_is_checked_within_its_horizon(run, horizon, verdict):
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.01, 60)))
    bars = Bars.of(np.arange(60) * HOUR, (close, close * 1.01, close * 0.99, close, close))

    found = check_label(Written(), bars, Bench(run, Clock()), horizon, data="60 bars", budget=Budget(0.0, 100.0))
    assert (found.verdict, found.data) == (verdict, "60 bars")
    slow = check_label(Written(), bars, Bench(past, Clock()), 0, budget=Budget(0.0, 0.5))
    assert slow.verdict == "unknown"
