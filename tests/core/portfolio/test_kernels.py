import numpy as np
import pytest

from tallow.core.portfolio import kernels, run
from tallow.domain.scene import Execution


def test_a_log_that_fills_up_changes_nothing(still):
    draw = np.random.default_rng(1)
    bars = {name: still(50 * np.exp(np.cumsum(draw.normal(0, 0.01, 900)))) for name in ("A/USDT", "B/USDT", "C/USDT")}
    weights = draw.choice([0.0, 0.1, 0.3], (900, 3))
    whole = run(bars, weights, Execution(), cash=1_000.0)
    assert len(whole.fills) > 1_000
    half = run({name: one[:400] for name, one in bars.items()}, weights[:400], Execution(), cash=1_000.0)
    assert whole.events[: len(half.events)].tobytes() == half.events.tobytes()
    assert whole.equity[:400].tobytes() == half.equity.tobytes()


def test_long_quiet_stretches_are_marked_block_by_block(still):
    prices = 50 + np.sin(np.arange(9_000.0))
    bars = {"A/USDT": still(prices), "B/USDT": still(prices[::3], range(0, 9_000, 3))}
    weights = np.full((9_000, 2), np.nan)
    weights[0] = 0.5
    done = run(bars, weights, Execution(taker_fee=0.0), cash=1_000.0)
    held, last = done.positions, prices[np.arange(9_000) // 3 * 3]
    assert done.equity == pytest.approx(done.cash + held[:, 0] * prices + held[:, 1] * last, rel=1e-14)
    assert len(done.fills) == 2


def test_the_kernel_is_bound_to_the_rules_it_was_made_from():
    assert callable(kernels.RUN)
    assert kernels.RUN.py_func.__code__.co_freevars == ("fingerprint",)
