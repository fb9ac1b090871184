"""What is held, what is marked, what is left to ask for."""

import numpy as np
import pytest

from tallow.domain.market import parse_symbol
from tallow.domain.ranges import TimeRange
from tallow.domain.timeframes import parse_timeframe
from tallow.flows.ingest import ingest
from tallow.flows.ingest.coverage import (
    Held,
    Missing,
    counts_trades,
    held_candles,
    held_trades,
    missing_candles,
    missing_trades,
    unanswered,
)

HOUR = 3_600_000_000
SECOND = 1_000_000
DAY = 24 * HOUR
START = 1_704_067_200_000_000
BTC = parse_symbol("BTC/USDT")
H1 = parse_timeframe("1h")


def hours(spans):
    return [((span.start - START) // HOUR, (span.end - START) // HOUR) for span in spans]


def test_candles_cover_their_intervals(lake, candle_page):
    ingest([candle_page([1, 2, 5])], lake)
    span = TimeRange(START, START + 8 * HOUR)
    assert hours(one.span for one in held_candles(lake, BTC, H1, span)) == [(1, 3), (5, 6)]
    assert hours(one.span for one in missing_candles(lake, BTC, H1, span)) == [(0, 1), (3, 5), (6, 8)]


def test_nothing_held_is_everything_missing(lake):
    span = TimeRange(START, START + HOUR)
    assert held_trades(lake, BTC, span) == []
    assert missing_trades(lake, BTC, span) == [Missing(span, None)]


def test_trades_go_on_behind_known_ids(lake, trade_page):
    ingest([trade_page([3, 4, 5, 9, 10])], lake)
    span = TimeRange(START, START + 20 * SECOND)
    held = held_trades(lake, BTC, span)
    assert [(one.span.start - START, one.last_id) for one in held] == [(3 * SECOND, 5), (9 * SECOND, 10)]
    missing = missing_trades(lake, BTC, span)
    assert [one.after_id for one in missing] == [None, 5, 10]
    assert missing[1].span == TimeRange(START + 5 * SECOND, START + 9 * SECOND + 1)
    assert missing[2].span == TimeRange(START + 10 * SECOND, START + 20 * SECOND)


def test_ids_that_do_not_count_leave_no_holes(lake, trade_page):
    ingest([trade_page([3, 40, 77])], lake)
    held = held_trades(lake, BTC, TimeRange(START, START + DAY))
    assert [(one.span.end - one.span.start, one.last_id) for one in held] == [(74 * SECOND + 1, 77)]


def test_trades_without_ids_cover_from_first_to_last(lake, trade_page):
    ingest([trade_page([3, 9], numbered=False)], lake)
    assert [one.last_id for one in held_trades(lake, BTC, TimeRange(START, START + DAY))] == [-1]
    tail = missing_trades(lake, BTC, TimeRange(START, START + DAY))[-1]
    assert tail == Missing(TimeRange(START + 9 * SECOND + 1, START + DAY), None)


@pytest.mark.parametrize(
    ("held", "now", "expected"),
    [
        ([], 100, [(0, 10)]),
        ([(2, 8)], 100, [(0, 2), (8, 10)]),
        ([(0, 10)], 100, []),
        ([], 24 + 4, [(0, 4)]),
        ([], 24, []),
    ],
)
def test_only_what_is_a_day_old_counts_as_answered(held, now, expected):
    asked = [Missing(TimeRange(START, START + 10 * HOUR))]
    pieces = [Held(TimeRange(START + a * HOUR, START + b * HOUR)) for a, b in held]
    assert hours(unanswered(asked, pieces, START + now * HOUR, H1)) == expected


@pytest.mark.parametrize(
    ("ids", "expected"), [([], False), ([-1, -1], False), ([5], True), ([5, 6, 9], True), ([5, 8, 12], False)]
)
def test_ids_count_when_most_follow_each_other(ids, expected):
    assert counts_trades(np.array(ids, np.int64)) is expected
