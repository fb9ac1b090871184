import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.portfolio import BUILT_IN, align, close_table, equal_weight, evaluate, inverse_volatility, momentum
from tallow.domain.errors import UserError

NAN = float("nan")


def test_a_close_table_has_holes_where_there_is_no_bar(still):
    table = close_table(align({"A/USDT": still([1, 2], [0, 2]), "B/USDT": still([3, 4], [1, 2])}))
    assert np.array_equal(table, [[1, NAN], [NAN, 3], [2, 4]], equal_nan=True)


def test_equal_weight_divides_among_what_was_ever_listed():
    assert equal_weight(np.array([[NAN, NAN], [1, NAN], [1, 1], [NAN, 1]])).tolist() == [
        [0, 0],
        [1, 0],
        [0.5, 0.5],
        [0.5, 0.5],
    ]


def test_inverse_volatility_by_hand():
    first = np.exp(np.cumsum([0, 0.1, -0.1, 0.1]))
    second = np.exp(np.cumsum([0, 0.2, -0.2, 0.2]))
    still = np.ones(4)
    found = inverse_volatility(np.column_stack((first, second, still)), window=2)
    assert found[:2].tolist() == [[0, 0, 0], [0, 0, 0]]
    # Deviations are 0.1 and 0.2, whichever divisor: twice the weight for the first, none for what stands still.
    assert found[2:] == pytest.approx(np.array([[2 / 3, 1 / 3, 0]] * 2))


def test_a_figure_of_the_own_bars_is_kept_over_holes():
    first = np.exp(np.cumsum([0, 0.1, -0.1, 0.1]))
    whole = inverse_volatility(np.column_stack((first, first * 2)), window=2)
    holed = np.full((6, 2), NAN)
    holed[[0, 1, 3, 5], 0], holed[[0, 1, 3, 5], 1] = first, first * 2
    found = inverse_volatility(holed, window=2)
    assert found[[0, 1, 3, 5]].tolist() == whole.tolist()
    assert found[4].tolist() == found[3].tolist()


def test_momentum_holds_the_best_and_sells_the_worst():
    close = np.array([[1.0, 1.0, 1.0, NAN], [1.1, 1.2, 0.9, 1.0], [1.2, 1.2, 1.2, 9.0]])
    assert momentum(close, window=1, top=1)[1].tolist() == [0, 1, 0, 0]
    assert momentum(close, window=1, top=1, short=True)[1].tolist() == [0, 0.5, -0.5, 0]
    assert momentum(close, window=1, top=3)[1] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    # Level with the last chosen one is chosen; with twice two instruments missing nothing is held.
    assert momentum(close, window=2, top=1)[2] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert not momentum(close, window=1, top=2, short=True)[1].any()
    assert momentum(np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize("name", BUILT_IN)
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.permutations(range(4)))
def test_the_order_of_columns_changes_no_weight(name, seed, order):
    draw = np.random.default_rng(seed)
    close = np.exp(np.cumsum(draw.normal(0, 0.1, (120, 4)), axis=0))
    close[draw.random((120, 4)) < 0.1] = NAN
    found = BUILT_IN[name](close)
    assert BUILT_IN[name](close[:, order]).tobytes() == found[:, order].tobytes()
    assert np.abs(found).sum(axis=1).max() <= 1 + 1e-12


@pytest.mark.parametrize(
    "call",
    [
        lambda: equal_weight(np.ones(3)),
        lambda: inverse_volatility(np.ones((3, 2)), window=1),
        lambda: momentum(np.ones((3, 2)), window=0),
        lambda: momentum(np.ones((3, 2)), top=0),
    ],
)
def test_bad_parameters_are_refused(call):
    with pytest.raises(UserError) as caught:
        call()
    assert caught.value.code == "BAD_PARAMETER"


@pytest.mark.parametrize(
    "answer",
    [
        np.array([[0.1, 0.2], [0.3, NAN]]),
        [[0.1, 0.2], [0.3, NAN]],
        {"B/USDT": [0.2, NAN], "A/USDT": [0.1, 0.3]},
        pd.DataFrame({"B/USDT": [0.2, NAN], "A/USDT": [0.1, 0.3]}),
    ],
)
def test_a_strategy_may_answer_with_any_table(still, answer):
    bars = {"A/USDT": still([1, 2]), "B/USDT": still([1, 2])}
    found = evaluate(lambda frames, *, factor: answer, bars, {"factor": 2})
    assert np.array_equal(found, [[0.1, 0.2], [0.3, NAN]], equal_nan=True)


@pytest.mark.parametrize(
    "answer", [np.ones(2), np.ones((3, 2)), {"A/USDT": [1, 1]}, {"A/USDT": [1, 1], "B/USDT": [1]}, "half", {}, None]
)
def test_another_shape_is_refused(still, answer):
    with pytest.raises(UserError) as caught:
        evaluate(lambda frames: answer, {"A/USDT": still([1, 2]), "B/USDT": still([1, 2])})
    assert caught.value.code == "WEIGHTS_SHAPE"
