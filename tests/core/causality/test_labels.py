from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.causality import Effort, Subject, certify, certify_label
from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import UserError
from tallow.domain.sent import Sent

LITTLE = Effort(extra_left=lambda: 0.0)


def walk(count: int, seed: int = 3) -> Bars:
    """A wandering price."""
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.01, count)))
    first = np.concatenate(([100.0], close[:-1]))
    top, bottom = np.maximum(first, close) * 1.001, np.minimum(first, close) * 0.999
    return Bars.of(np.arange(count) * 60_000_000, (first, top, bottom, close, np.full(count, 5.0)))


def ahead(values: Floats, rows: int) -> Floats:
    return np.concatenate((values[rows:], np.full(min(rows, len(values)), np.nan)))


def rises(bars: Bars, rows: int) -> Floats:
    later = ahead(bars.close, rows)
    return np.where(np.isnan(later), np.nan, later > bars.close)


def barrier(bars: Bars, rows: int) -> Floats:
    """Which of two prices, 2 % above and below, is reached first within some rows."""
    found = np.full(len(bars), np.nan)
    for row in range(len(bars) - rows):
        path = bars.close[row + 1 : row + rows + 1] / bars.close[row] - 1.0
        touched = np.flatnonzero(np.abs(path) >= 0.02)
        found[row] = np.sign(path[touched[0]]) if len(touched) else 0.0
    return found


def above_mean(bars: Bars, rows: int) -> Floats:
    """Looks a few rows ahead, and with the mean at all of them."""
    return np.asarray(ahead(bars.close, rows) > bars.close.mean(), np.float64)


@settings(max_examples=12, deadline=None)
@given(reach=st.integers(0, 9), horizon=st.integers(0, 9), seed=st.integers(0, 50))
def test_a_label_is_certified_where_it_reaches_no_further_than_it_says(reach: int, horizon: int, seed: int) -> None:
    bars = walk(60, seed)
    found = certify_label(lambda some: ahead(some.close, reach), bars, horizon, effort=LITTLE)
    assert found.verdict == ("certified" if reach <= horizon else "leaky")
    for one in found.findings:
        # The row is that of the label: both runs saw its whole horizon alike, and not what it reached.
        assert one.row + horizon <= one.cut < one.row + reach
        assert one.time == bars.time[one.row]
        assert one.before == pytest.approx(bars.close[one.row + reach])
        assert one.before != one.after


@pytest.mark.parametrize("label", [rises, barrier])
@pytest.mark.parametrize(("horizon", "verdict"), [(5, "certified"), (4, "leaky"), (6, "certified")])
def test_usual_labels(label: Any, horizon: int, verdict: str) -> None:
    found = certify_label(lambda bars: label(bars, 5), walk(200), horizon, effort=LITTLE)
    assert found.verdict == verdict
    if verdict == "certified":
        assert found.reason.startswith(f"no change of bars more than {horizon} rows ahead changed a label: all ")
    else:
        (one,) = found.findings
        end = f"its horizon of 4 rows ends at row {one.row + 4}"
        assert found.reason == f"the label at row {one.row} changes when only bars after row {one.cut} do; {end}"
        assert one.kind.startswith("beyond its horizon: ")
        assert one.hint == "declare how far the label looks ahead, or leave out what comes after that"


def test_what_looks_at_everything_has_no_horizon() -> None:
    found = certify_label(lambda bars: above_mean(bars, 3), walk(120), 20, effort=LITTLE)
    assert found.verdict == "leaky"


def test_without_a_horizon_it_is_a_feature() -> None:
    bars = walk(80)

    def feature(some: Bars) -> Floats:
        return np.concatenate((np.full(4, np.nan), np.diff(some.close[:-3])))

    found, alone = certify_label(feature, bars, 0, effort=LITTLE), certify(feature, bars, effort=LITTLE)
    assert (found.verdict, found.runs, found.cuts) == (alone.verdict, alone.runs, alone.cuts)


def test_what_changes_by_itself_cannot_be_told() -> None:
    draws = np.random.default_rng(1)
    found = certify_label(lambda bars: draws.random(len(bars)), walk(40), 2, effort=LITTLE)
    assert found.verdict == "unknown"
    assert "not repeatable" in found.reason


def test_the_source_is_hashed_and_not_searched_for_lines() -> None:
    about = Subject(source="later = close.shift(-5)", file="label.py", data="60 bars")
    found = certify_label(lambda bars: ahead(bars.close, 5), walk(60), 2, subject=about, effort=LITTLE)
    assert found.strategy_hash != certify_label(lambda bars: bars.close, walk(60), 2, effort=LITTLE).strategy_hash
    # A label may shift against time: no rule about that names its line.
    assert (found.data, found.findings[0].location) == ("60 bars", "")


@pytest.mark.parametrize(
    ("horizon", "bars", "code"),
    [(-1, 60, "BAD_PARAMETER"), (1.5, 60, "BAD_PARAMETER"), (29, 60, "TOO_FEW_BARS"), (0, 2, "TOO_FEW_BARS")],
)
def test_what_cannot_be_checked_is_refused(horizon: Any, bars: int, code: str) -> None:
    with pytest.raises(UserError) as caught:
        certify_label(lambda some: some.close, walk(bars), horizon)
    assert caught.value.code == code


def test_orders_are_no_labels() -> None:
    with pytest.raises(UserError, match="gives no label") as caught:
        certify_label(lambda bars: Sent.__new__(Sent), walk(60), 2)
    assert caught.value.code == "BAD_OUTPUT"
