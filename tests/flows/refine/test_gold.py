"""Coarser candles out of finer ones, and spans cut to fit into memory."""

from itertools import pairwise

import numpy as np

from tallow.domain.columns import Bars
from tallow.domain.ranges import TimeRange
from tallow.domain.timeframes import HOUR, parse_timeframe
from tallow.flows.refine import gold
from tallow.flows.refine.gold import bars_frame, chunks, resampled

H1, H3 = parse_timeframe("1h"), parse_timeframe("3h")


def bars(*hours):
    one = np.ones(len(hours))
    return Bars.of(np.array(hours) * HOUR, (one, one, one, one, one))


def test_unfinished_ends_are_left_out():
    made, incidents = resampled(bars(1, 2, 3, 4, 5, 6, 7), H1, H3)
    assert (made.time // HOUR).tolist() == [3]
    assert incidents == []


def test_a_hole_in_the_middle_is_an_incident_not_an_invention():
    made, incidents = resampled(bars(0, 1, 2, 4, 9, 10, 11), H1, H3)
    assert (made.time // HOUR).tolist() == [0, 3, 9]
    assert made.volume.tolist() == [3.0, 1.0, 3.0]
    assert [(a // HOUR, b // HOUR, n, cause) for a, b, n, cause in incidents] == [
        (6, 9, 1, "MISSING"), (3, 6, 2, "INCOMPLETE"),
    ]  # fmt: skip


def test_one_incomplete_candle_gives_none():
    assert len(resampled(bars(1, 2), H1, H3)[0]) == 0


def test_frames_have_null_where_nothing_is_told():
    frame = bars_frame(bars(1))
    assert frame["quote_volume"].to_list() == [None]
    assert frame["volume"].to_list() == [1.0]


def test_chunks_cut_at_candles(monkeypatch):
    monkeypatch.setattr(gold, "CHUNK", 4)
    times = np.arange(0, 24 * HOUR, HOUR)
    parts = chunks(times, TimeRange(0, 24 * HOUR), H3)
    assert parts[0].start == 0
    assert parts[-1].end == 24 * HOUR
    assert all(a.end == b.start and a.end % (3 * HOUR) == 0 for a, b in pairwise(parts))
    assert len(parts) == 6
    assert chunks(times[:0], TimeRange(0, HOUR), H1) == [TimeRange(0, HOUR)]
