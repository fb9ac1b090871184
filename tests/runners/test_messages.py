import io

import numpy as np
import pytest

from tallow.domain.columns import COLUMNS
from tallow.runners.messages import as_times, bars_columns, bars_from, pack, unpack


def test_bars_survive_the_journey_bit_by_bit(bars):
    head, columns = unpack(io.BytesIO(pack({"do": "run"}, bars_columns(bars))).read)
    assert head["do"] == "run"
    again = bars_from(columns)
    assert all(getattr(again, name).tobytes() == getattr(bars, name).tobytes() for name in COLUMNS)
    assert all(getattr(again, name).flags.writeable for name in COLUMNS)


def test_a_message_may_have_no_numbers_and_columns_of_any_length():
    assert unpack(io.BytesIO(pack({})).read) == ({"lengths": []}, [])
    _, columns = unpack(io.BytesIO(pack({}, [np.zeros(0), np.ones(3)])).read)
    assert [len(column) for column in columns] == [0, 3]


@pytest.mark.parametrize("kept", [0, 5, 20, -1])
def test_a_message_that_ends_early_is_the_end(kept):
    content = pack({"do": "run"}, [np.ones(4)])[:kept]
    with pytest.raises(EOFError):
        unpack(io.BytesIO(content).read)


def test_times_are_read_by_their_bits():
    times = np.array([0, 1_704_067_200_000_000, -5])
    assert as_times(times.view(np.float64)).tolist() == times.tolist()
