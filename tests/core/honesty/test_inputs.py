import numpy as np
import pytest

from tallow.core.honesty.inputs import check_count, check_fraction, check_least, checked_returns
from tallow.domain.errors import UserError


def test_returns_become_a_row_of_floats():
    assert checked_returns([1, 2]).tolist() == [1.0, 2.0]
    assert checked_returns(np.arange(6.0)[::2]).flags.c_contiguous


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: checked_returns(np.zeros((2, 2))), "2 dimensions"),
        (lambda: checked_returns([0.0, np.nan]), "nan at row 1"),
        (lambda: checked_returns([-np.inf]), "-inf at row 0"),
        (lambda: check_least("seed", -1, 0), "seed cannot be -1"),
        (lambda: check_least("trials", float("nan"), 1), "trials cannot be nan"),
        (lambda: check_least("trials", float("inf"), 1), "trials cannot be inf"),
        (lambda: check_count("rows", 1.0, 0), "rows cannot be 1.0"),
        (lambda: check_count("rows", 2, 3), "rows cannot be 2"),
        (lambda: check_count("seed", 2**63, 0), "seed cannot be 9223372036854775808"),
        (lambda: check_fraction("confidence", 1.0), "confidence cannot be 1.0"),
        (lambda: check_fraction("confidence", 0.0), "confidence cannot be 0.0"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, words):
    with pytest.raises(UserError, match="BAD_PARAMETER") as caught:
        call()
    assert words in str(caught.value)
