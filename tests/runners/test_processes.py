import numpy as np
import pytest

from tallow.core.causality import FreshRuns
from tallow.domain.columns import FundingRates
from tallow.domain.errors import TransientError
from tallow.domain.fill_rules import Terms
from tallow.domain.scene import Execution
from tallow.domain.timeframes import HOUR, parse_timeframe
from tallow.domain.venue_rules import RuleBook, VenueRules
from tallow.runners import processes as processes_module
from tallow.runners.adapters import Setting
from tallow.runners.inline import Conditions, load, under
from tallow.runners.processes import Processes

PLAIN = "def signals(bars, *, window=4):\n    return bars.close > bars.close.rolling(window).mean()\n"
MEAN = "def signals(bars):\n    return bars.close < bars.close.mean()\n"


@pytest.fixture(scope="module")
def server():
    with Processes(time_limit=60) as running:
        yield running


def run(server, path, bars, cuts=(), conditions=None, **parameters) -> FreshRuns:
    return server.begin(load(path, parameters), conditions or Conditions(), bars, cuts).collect()


def test_the_answer_is_that_of_this_process(server, write, bars):
    done = run(server, write(PLAIN), bars, [50, 120], window=9)
    assert np.array_equal(done.whole, load(write(PLAIN), {"window": 9}).targets(bars))
    assert (done.differing, dict(done.failed), done.effects) == ((), {}, ())


def test_cuts_that_differ_or_fail_are_named(server, write, bars):
    assert run(server, write(MEAN), bars, [60, 120]).differing
    text = "def signals(bars):\n    if len(bars) < 100: raise ValueError('few')\n    return bars.close\n"
    failed = run(server, write(text), bars, [20, 150]).failed
    assert list(failed) == [20]
    assert "few" in failed[20]


def test_failures_prints_and_effects_come_back_as_words(server, write, bars, tmp_path):
    assert "division by zero" in run(server, write("def signals(bars):\n    return 1 / 0\n"), bars).whole
    noisy = "import os\ndef signals(bars):\n    print('x' * 99)\n    os.write(1, b'y')\n    return bars.close\n"
    assert np.array_equal(run(server, write(noisy), bars).whole, bars.close)
    (tmp_path / "level.txt").write_text("1")
    reading = "def signals(bars):\n    open(__file__.replace('mine.py', 'level.txt')).close()\n    return bars.close\n"
    assert run(server, write(reading), bars).effects == (f"reads {tmp_path / 'level.txt'}",)


def test_nothing_is_shared_between_requests(server, write, bars):
    text = """
    import sys
    def signals(bars):
        sys.calls = getattr(sys, 'calls', 0) + 1
        return [sys.calls] * len(bars)
    """
    assert run(server, write(text), bars, [10]).whole[0] == 2
    assert run(server, write(text), bars).whole[0] == 1


def test_a_process_that_dies_is_reported(server, write, bars):
    text = "import os, signal\ndef signals(bars):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    assert "its process ended with status -9" in run(server, write(text), bars).whole


def test_built_in_and_class_strategies_run_with_their_conditions(server, write, bars):
    assert len(run(server, "sma_cross", bars, fast=2, slow=5).whole) == len(bars)
    text = """
    from tallow.core.strategies import Strategy
    class One(Strategy):
        def next(self):
            if self.position == 0:
                self.buy()
            elif self.cash > 1:
                self.close_position()
    """
    path = write(text)
    funding = FundingRates(np.arange(0, 200, 8) * HOUR, np.full(25, 0.0001))
    conditions = Conditions(cash=500.0, funding=funding)
    done = run(server, path, bars, [30], conditions)
    assert not isinstance(done.whole, str), done.whole
    assert done.differing == ()


def test_where_no_process_can_be_forked_one_is_started_for_each_request(monkeypatch, write, bars):
    monkeypatch.setattr(processes_module, "_CAN_FORK", False)
    with Processes(time_limit=60) as server:
        text = MEAN.replace("    return", "    if len(bars) < 100: raise ValueError('few')\n    return")
        done = run(server, write(text), bars, [20, 120, 150])
        assert np.array_equal(done.whole, load(write(text)).targets(bars))
        assert list(done.failed) == [20]
        assert done.differing == (120, 150)
        text = "import os, signal\ndef signals(bars):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        assert "its process ended with status -9" in run(server, write(text), bars).whole
        server.begin(load(write(PLAIN)), Conditions(), bars, ()).cancel()


def test_a_process_started_for_one_request_has_a_time_limit_too(monkeypatch, write, bars):
    monkeypatch.setattr(processes_module, "_CAN_FORK", False)
    monkeypatch.setattr(processes_module, "_GRACE", 0)
    with Processes(time_limit=1) as server:
        whole = run(server, write("def signals(bars):\n    while True: pass\n"), bars).whole
        assert whole == "it took more than 1 seconds"


def test_a_request_ends_the_one_before_and_can_be_cancelled(write, bars):
    forever = load(write("def signals(bars):\n    while True: pass\n", "forever.py"))
    with Processes() as server:
        server.begin(forever, Conditions(), bars, ())
        server.begin(forever, Conditions(), bars, ()).cancel()
        assert not isinstance(run(server, write(PLAIN), bars).whole, str)


def test_the_time_limit_ends_a_run(write, bars):
    with Processes(time_limit=1) as server:
        assert run(server, write("def signals(bars):\n    while True: pass\n"), bars).whole == "it ran out of time"


def test_a_lost_server_is_a_transient_error(write, bars):
    server = Processes()
    pending = server.begin(load(write(PLAIN)), Conditions(), bars, ())
    pending.collect()
    server._server.kill()
    server._server.wait()
    with pytest.raises(TransientError) as raised:
        pending.collect()
    assert raised.value.code == "PROCESS_LOST"
    server.close()
    server.close()


def test_what_numba_stored_beside_the_file_serves_in_both_processes(server, write, bars):
    text = """
    import numpy as np
    from numba import njit

    @njit(cache=True)
    def rising(close):
        out = np.zeros(close.size)
        for i in range(1, close.size):
            out[i] = close[i] > close[i - 1]
        return out

    def signals(bars):
        return rising(bars.close.to_numpy())
    """
    path = write(text, "stored.py")
    here = load(path).targets(bars)
    done = run(server, path, bars, [100])
    assert np.array_equal(done.whole, here)
    assert done.effects == ()
    assert np.array_equal(load(path).targets(bars), here)


def test_a_run_elsewhere_is_told_timeframe_and_instrument(server, write, bars):
    path = write("""
        def signals(bars):
            return [float(bars.attrs.get("timeframe") == "1h")] * len(bars)
    """)
    setting = Setting(parse_timeframe("1h"), "BTC/USDT")
    assert run(server, path, bars, conditions=Conditions(setting=setting)).whole[0] == 1.0
    assert run(server, path, bars).whole[0] == 0.0


def test_a_class_in_another_process_trades_under_the_same_rules(server, write, bars):
    text = """
    from tallow import Strategy
    class Whole(Strategy):
        def next(self):
            self.target = 0.5 if self.position % 3.0 == 0 else 0.25
    """
    tiers = ((0, 0.01, 20), (1_000, 0.05))
    first, later = (VenueRules(int(bars.time[row]), lot_size=lot, tiers=tiers) for row, lot in ((0, 3.0), (40, 1.0)))
    rules = RuleBook((first, later))
    plain = run(server, write(text), bars)
    given = Conditions(Execution(leverage=2.0, tiers=((0, 0.02),)), terms=Terms(rules))
    ruled = run(server, write(text), bars, conditions=given)
    assert np.array_equal(ruled.whole, under(load(write(text)), given).targets(bars))
    assert not np.array_equal(ruled.whole, plain.whole)
