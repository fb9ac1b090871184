import pytest

from tallow.domain.errors import UserError
from tallow.domain.fill_rules import PLAIN_TERMS, WHOLE_TAPE, FillRules


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, float("nan"), float("inf")])
def test_a_part_of_the_volume_is_above_0_and_up_to_1(share: float) -> None:
    with pytest.raises(UserError, match="participation") as caught:
        FillRules(participation=share)
    assert caught.value.code == "BAD_SETTING"


def test_by_default_the_whole_tape_fills_what_is_passed() -> None:
    assert FillRules(1.0).participation == 1.0
    assert FillRules(None, touch_fills=False) == WHOLE_TAPE
    assert PLAIN_TERMS == (None, WHOLE_TAPE)
