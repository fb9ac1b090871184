import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.causality import change_rows, changed_rows
from tallow.domain.sent import sent_of

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("before", "after", "rows", "expected"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 3, []),
        ([1.0, 2.0, 3.0], [1.0, 2.5, 3.5], 2, [1]),
        ([NAN, 1.0], [NAN, 1.0], 2, []),
        ([NAN, 1.0], [0.0, 1.0], 2, [0]),
        ([0.0, 1.0], [NAN, 1.0], 2, [0]),
        ([INF, 1.0], [INF, 1.0], 2, []),
        ([INF, 1.0], [-INF, 1.0], 2, [0]),
        ([INF, 1.0], [3.0, 1.0], 2, [0]),
        ([1.0, 1.0], [1.0 + 1e-10, 1.0], 2, []),  # rounding
        ([1.0, 1.0], [1.0 + 1e-6, 1.0], 2, [0]),  # a leak of a millionth
        ([0.0, 1000.0], [5e-7, 1000.0], 2, []),  # rounding of a transform, against the size of the output
        ([1e-9] * 5 + [1e9], [2e-9] * 5 + [1e9], 5, [0, 1, 2, 3, 4]),  # one huge value hides nothing
        ([0.0, 0.0], [1e-13, 1e-11], 2, [1]),
        ([1.0, 2.0, 3.0], [1.0], 3, [1, 2]),  # missing rows
        ([], [], 0, []),
    ],
)
def test_changed_rows(before, after, rows, expected):
    assert changed_rows(np.array(before), np.array(after), rows).tolist() == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ([], []),
        ([0.0, 0.0], []),
        ([1.0, 1.0, 0.0, 0.0, 1.0], [0, 2, 4]),
        ([NAN, NAN, 1.0, NAN, NAN], [2, 3]),
        ([NAN, 0.0], [1]),
    ],
)
def test_change_rows(output, expected):
    assert change_rows(np.array(output)).tolist() == expected


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, -1.0, NAN]), max_size=30))
def test_an_output_never_differs_from_itself(values):
    output = np.array(values, float)
    assert not len(changed_rows(output, output.copy(), len(output)))


@pytest.mark.parametrize(
    ("before", "after", "rows", "found"),
    [
        ([0, 1, 1, 0.5], [0, 1, 1, 0.5], 4, []),
        ([0, 1, 1, 0.5], [0, 1, 1, 0.5 + 1e-12], 4, []),
        ([0, 1, 1, 0.5], [0, 1, 1, 0.6], 4, [3]),
        ([0, 1, 1, 0.5], [0, 1, 1, 0.6], 3, []),
        ([0, 1, 1, 0.5], [0, 0, 1, 0.5], 4, [1, 2]),
        ([0, 1, 1, 0.5], [0, 1], 4, [2, 3]),
    ],
)
def test_messages_are_compared_row_by_row(before, after, rows, found):
    one, other = sent_of(np.array(before, float)), np.array(after, float)
    assert changed_rows(one, sent_of(other), rows).tolist() == found
    # A run that has not sent an order yet still gives targets: they are the same decisions.
    assert changed_rows(one, other, rows).tolist() == found
    assert change_rows(one).tolist() == [1, 3]
