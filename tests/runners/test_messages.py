import io

import numpy as np
import pytest

from tallow.domain.columns import COLUMNS
from tallow.domain.sent import Sent, sent_of
from tallow.runners.messages import (
    as_times,
    bars_columns,
    bars_from,
    decisions_columns,
    decisions_from,
    pack,
    unpack,
)


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


@pytest.mark.parametrize("decisions", [np.array([0.0, 1.0]), sent_of(np.array([0.0, 1.0, 0.5])), sent_of(np.zeros(3))])
def test_decisions_travel_in_either_form(decisions):
    _, columns = unpack(io.BytesIO(pack({}, decisions_columns(decisions))).read)
    back = decisions_from(columns)
    assert type(back) is type(decisions)
    assert len(back) == len(decisions)
    np.testing.assert_array_equal(
        sent_of(back).message if isinstance(back, Sent) else back,
        decisions.message if isinstance(decisions, Sent) else decisions,
    )
