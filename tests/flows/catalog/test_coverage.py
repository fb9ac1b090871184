"""Which stretches exist, and what is known to be missing."""

from tallow.domain.market import parse_symbol
from tallow.domain.ranges import TimeRange
from tallow.domain.timeframes import parse_timeframe
from tallow.flows.catalog import coverage, known_gaps
from tallow.flows.ingest import ingest
from tallow.flows.refine import refine

HOUR = 3_600_000_000
START = 1_704_067_200_000_000
BTC = parse_symbol("BTC/USDT")
H1 = parse_timeframe("1h")


def hours(spans):
    return [((span.start - START) // HOUR, (span.end - START) // HOUR) for span in spans]


def test_nothing_is_nothing(lake):
    held = coverage(lake, BTC, H1)
    assert (held.ranges, held.rows, held.version, held.span) == ((), 0, None, None)


def test_ranges_end_where_candles_are_missing(lake, candle_page):
    page = candle_page([0, 1, 4, 5, 9])
    page.rows.volume[1] = 0.0
    ingest([page], lake)
    refine(lake)
    held = coverage(lake, BTC, H1)
    assert hours(held.ranges) == [(0, 2), (4, 6), (9, 10)]
    assert [(gap.missing, gap.cause) for gap in held.gaps] == [(0, "ZERO_VOLUME"), (2, "MISSING"), (3, "MISSING")]
    assert [(gap.is_hole, gap.unit) for gap in held.gaps] == [(False, ""), (True, "candles"), (True, "candles")]
    assert (held.rows, held.missing, held.version, held.origins) == (5, 5, 1, ("native",))
    assert hours([held.span]) == [(0, 10)]


def test_a_span_narrows_both(lake, candle_page):
    ingest([candle_page([0, 1, 4, 5, 9])], lake)
    refine(lake)
    span = TimeRange(START + HOUR, START + 6 * HOUR)
    held = coverage(lake, BTC, H1, span)
    assert hours(held.ranges) == [(1, 2), (4, 6)]
    assert hours(gap.span for gap in held.gaps) == [(2, 4)]


def test_made_candles_have_gaps_of_their_own(lake, candle_page):
    ingest([candle_page([0, 1, 2, 4, 5, 6])], lake)
    refine(lake, timeframes=("2h",))
    [gap] = known_gaps(lake, BTC, parse_timeframe("2h"))
    assert (gap.missing, gap.cause, gap.unit) == (1, "INCOMPLETE", "finer candles")
    assert (gap.is_incomplete, gap.is_hole) == (True, False)
    assert coverage(lake, BTC, parse_timeframe("2h")).origins == ("1h",)
