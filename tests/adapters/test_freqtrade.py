import pytest

from tallow.adapters import freqtrade
from tallow.domain.errors import UserError
from tallow.runners.adapters.freqtrade import IStrategy
from tallow.runners.inline import load


def test_the_public_names_are_those_of_the_runner():
    assert freqtrade.IStrategy is IStrategy
    assert all(getattr(freqtrade, name).__doc__ for name in freqtrade.__all__)


@pytest.mark.parametrize("name", ["IntParameter", "DecimalParameter", "merge_informative_pair", "stoploss_from_open"])
def test_a_name_without_equal_says_what_to_write(tmp_path, name):
    path = tmp_path / "mine.py"
    path.write_text(f"from tallow.adapters.freqtrade import IStrategy, {name}\n")
    with pytest.raises(UserError, match=name) as caught:
        load(str(path))
    assert caught.value.code == "NOT_CARRIED_OVER"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = freqtrade.nothing_like_it
