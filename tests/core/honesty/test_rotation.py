from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.honesty import rotation_test
from tallow.domain.columns import Floats
from tallow.domain.errors import UserError

NAN = float("nan")


def walk(rows: int, columns: int, seed: int) -> Floats:
    """Prices without any memory."""
    steps = np.random.default_rng(seed).normal(0.0, 0.01, (rows, columns))
    return np.asarray(100.0 * np.cumprod(1.0 + steps, axis=0), np.float64)


def by_hand(weights: Floats, close: Floats, offset: int, rate: float) -> float:
    """Compound what a table earns that was turned by some rows."""
    turned = np.roll(weights, -offset, axis=0)
    cost = rate * np.abs(turned - np.roll(turned, 1, axis=0)).sum(axis=1)
    change = close[1:] / close[:-1] - 1.0
    return float(np.prod(1.0 - cost[:-1] + (turned[:-1] * change).sum(axis=1)) - 1.0)


def test_every_place_is_tried_once_and_counted() -> None:
    close = walk(90, 3, 1)
    weights = np.random.default_rng(2).integers(-1, 2, (90, 3)) / 3.0
    found = rotation_test(weights, close, cost_rate=0.002)
    others = [by_hand(weights, close, offset, 0.002) for offset in range(1, 90)]
    observed = by_hand(weights, close, 0, 0.002)
    assert found.observed == pytest.approx(observed, rel=1e-12)
    assert found.permutations == 89
    assert found.p_value == (1 + sum(other >= observed for other in others)) / 90
    assert (found.median, found.high) == pytest.approx(tuple(np.quantile(others, [0.5, 0.95])))
    assert found.distinct == 89
    assert found.method == "rotated weights"


def test_holdings_and_exposure_are_counted() -> None:
    weights = np.array([[0.0, 0.5], [0.5, 0.5], [0.5, -0.5], [0.0, 0.0], [NAN, 0.2], [0.1, 0.0]])
    found = rotation_test(weights, walk(6, 2, 1))
    # First: rows 1-2 and 5. Second: 0-1, the short, and row 4.
    assert (found.holdings, found.exposure) == (5, pytest.approx(5 / 6))


@pytest.mark.parametrize("weights", [np.zeros((50, 2)), np.full((50, 2), NAN), np.full((1, 2), 0.5)])
def test_what_was_never_held_has_no_p_value(weights: Floats) -> None:
    found = rotation_test(weights, walk(len(weights), 2, 1))
    assert (found.p_value, found.permutations, found.holdings) == (None, 0, 0)


def test_weights_that_never_change_have_no_timing() -> None:
    found = rotation_test(np.full((200, 2), 0.4), walk(200, 2, 5), cost_rate=0.001)
    assert (found.p_value, found.distinct) == (1.0, 1)


def test_an_edge_is_found_in_time_and_across_instruments() -> None:
    close = walk(400, 2, 3)
    change = np.diff(close, axis=0, append=close[-1:]) / close
    in_time = np.repeat((change.sum(axis=1) > 0.0)[:, None], 2, axis=1) * 0.5
    across = (change > change[:, ::-1]).astype(np.float64)
    for seen in (in_time, across):
        assert (rotation_test(seen, close).p_value or 1.0) < 0.01


def test_a_price_that_is_not_there_earns_nothing() -> None:
    close = walk(120, 2, 4)
    weights = np.random.default_rng(1).random((120, 2)) / 2.0
    late = close.copy()
    late[:30, 1] = NAN
    late[60:63, 0] = NAN
    filled = late.copy()
    filled[:30, 1] = late[30, 1]
    filled[60:63, 0] = late[59, 0]
    assert rotation_test(weights, late) == rotation_test(weights, filled)


def test_a_lost_account_stays_lost() -> None:
    close = np.array([[100.0], [300.0], [900.0], [900.0]])
    found = rotation_test(np.array([[-1.0], [0.0], [1.0], [0.0]]), close)
    assert found.observed == -1.0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), rate=st.sampled_from([0.0, 0.003]))
def test_the_same_seed_draws_the_same_and_a_turned_history_is_as_good(seed: int, rate: float) -> None:
    close, weights = walk(150, 2, seed), np.random.default_rng(seed).random((150, 2)) / 2.0
    some = rotation_test(weights, close, cost_rate=rate, permutations=100, seed=seed)
    assert some == rotation_test(weights, close, cost_rate=rate, permutations=100, seed=seed)
    assert some.permutations == 100
    # Among all places, the observed and a turned table rank in one list.
    turned = rotation_test(np.roll(weights, -40, axis=0), close, cost_rate=rate)
    assert turned.observed == pytest.approx(by_hand(weights, close, 40, rate), rel=1e-9)


def test_noise_is_not_taken_for_an_edge() -> None:
    """All in what rose most of four prices without memory: the level is kept, from below."""
    found = []
    for seed in range(200):
        close = walk(420, 4, seed)
        rise = close[20:] / close[:-20]
        best = (rise == rise.max(axis=1, keepdims=True)).astype(np.float64)
        found.append(rotation_test(best, close[20:], cost_rate=0.001, permutations=200, seed=seed).p_value)
    levels = np.array(found, np.float64)
    assert (levels <= 0.05).mean() <= 0.05 + 2.0 * np.sqrt(0.05 * 0.95 / 200)
    assert 0.35 < (levels <= 0.5).mean() < 0.65


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weights": np.ones(9)}, "weights cannot be of shape"),
        ({"weights": np.ones((9, 3))}, "weights cannot be of shape"),
        ({"weights": np.full((9, 2), np.inf)}, "weights cannot be infinite"),
        ({"close": np.zeros((9, 2))}, "close cannot be 0"),
        ({"close": np.full((9, 2), np.inf)}, "close cannot be 0, negative or infinite"),
        ({"cost_rate": -1.0}, "cost_rate cannot be -1.0"),
        ({"permutations": 99}, "permutations cannot be 99"),
        ({"seed": -1}, "seed cannot be -1"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], said: str) -> None:
    given_ = {"weights": np.ones((9, 2)), "close": np.ones((9, 2)), **changes}
    with pytest.raises(UserError, match="BAD_PARAMETER") as caught:
        rotation_test(**given_)
    assert said in caught.value.message
