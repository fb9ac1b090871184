"""What is wrong with a row, as a reason code: which rows are kept, kept but reported, or kept out of silver."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tallow.core.bars import close_times, open_times
from tallow.domain.columns import COLUMNS, PRICES, Bars, Floats, Ticks, Times
from tallow.domain.timeframes import HOUR, MINUTE, SECOND, Timeframe

Codes = NDArray[np.str_]
Action = Literal["keep", "flag", "quarantine"]

CLEAN = ""
NOT_FINITE = "NOT_FINITE"
NON_POSITIVE_PRICE = "NON_POSITIVE_PRICE"
BAD_OHLC = "BAD_OHLC"
NEGATIVE_VOLUME = "NEGATIVE_VOLUME"
NON_POSITIVE_QUANTITY = "NON_POSITIVE_QUANTITY"
IMPOSSIBLE_VOLUME = "IMPOSSIBLE_VOLUME"
OFF_GRID = "OFF_GRID"
BAD_TIME = "BAD_TIME"
FUTURE = "FUTURE"
UNFINISHED = "UNFINISHED"
DUPLICATE = "DUPLICATE"
CONFLICT = "CONFLICT"
TRUNCATED = "TRUNCATED"
PRICE_SPIKE = "PRICE_SPIKE"
QUOTE_MISMATCH = "QUOTE_MISMATCH"
REPEATED = "REPEATED"
ZERO_VOLUME = "ZERO_VOLUME"
CLOCK_JUMP = "CLOCK_JUMP"
UNREADABLE_ROW = "UNREADABLE_ROW"
UNKNOWN_SYMBOL = "UNKNOWN_SYMBOL"
CONTRACT_UNKNOWN = "CONTRACT_UNKNOWN"


class Reason(NamedTuple):
    """What becomes of a row with this code, and why, in one sentence."""

    action: Action
    meaning: str


REASONS = {
    CLEAN: Reason("keep", "Nothing is wrong with the row."),
    NOT_FINITE: Reason("quarantine", "A price, volume or quantity is NaN or infinite."),
    NON_POSITIVE_PRICE: Reason("quarantine", "A price is zero or negative."),
    BAD_OHLC: Reason("quarantine", "The high is below, or the low above, another price of the candle."),
    NEGATIVE_VOLUME: Reason("quarantine", "A volume or a number of trades is negative."),
    NON_POSITIVE_QUANTITY: Reason("quarantine", "A trade of nothing, or of less than nothing."),
    IMPOSSIBLE_VOLUME: Reason("quarantine", "The volume is over a hundred times that of all but a few candles."),
    OFF_GRID: Reason("quarantine", "The candle does not open where candles of its length begin."),
    BAD_TIME: Reason("quarantine", "The time cannot be read, or lies before crypto was traded."),
    FUTURE: Reason("quarantine", "The row speaks of a moment that has not come."),
    UNFINISHED: Reason("quarantine", "The candle had not closed when it was read; it comes again when it has."),
    UNREADABLE_ROW: Reason("quarantine", "A cell is missing or says nothing that its column can hold."),
    UNKNOWN_SYMBOL: Reason("quarantine", "The row is of an instrument that has no unified name, such as an option."),
    CONTRACT_UNKNOWN: Reason("quarantine", "The quantity counts contracts whose size is not known."),
    DUPLICATE: Reason("quarantine", "The same row came before; one is enough."),
    CONFLICT: Reason("quarantine", "A row with this key but other values came before; the first one is kept."),
    TRUNCATED: Reason("flag", "The venue closed the candle before its interval ended, as in an outage."),
    PRICE_SPIKE: Reason("flag", "The high is over ten times the low; it may be a real print, or a crash."),
    QUOTE_MISMATCH: Reason("flag", "Quote volume over volume is a price over one per cent outside the candle."),
    REPEATED: Reason("flag", "Another candle has the same prices and volume: a block of rows may have been shifted."),
    ZERO_VOLUME: Reason("flag", "Nothing was traded in the interval, or the venue was down."),
    CLOCK_JUMP: Reason("flag", "Received over an hour away from what the rest of the recording makes one expect."),
}

_FIRST_TRADES = 1_230_940_800 * SECOND  # 2009-01-03: there was nothing to trade before
_CLOCK_SLACK = MINUTE  # recorders run ahead of venues and behind them
_SPIKE, _OUTLIER, _MANY = 10.0, 100.0, 30


class Gap(NamedTuple):
    """Candles that are not there: the first missing open, the first open present again, and how many."""

    start: int
    end: int
    missing: int


class IdGap(NamedTuple):
    """Trade ids that are not there: the first and last missing one, and how many."""

    first: int
    last: int
    missing: int


def actions(codes: Codes) -> NDArray[np.str_]:
    """Say for every code whether its row is kept, flagged (kept and reported) or quarantined.

    Example:
        >>> actions(np.array(["", "TRUNCATED", "BAD_OHLC"])).tolist()
        ['keep', 'flag', 'quarantine']
    """
    found, places = np.unique(codes, return_inverse=True)
    return np.array([REASONS[str(code)].action for code in found], "<U10")[places]


def is_kept(codes: Codes) -> NDArray[np.bool_]:
    """Say which rows go on to silver: those that are clean or only flagged."""
    return np.not_equal(actions(codes), "quarantine")


def check_candles(bars: Bars, timeframe: Timeframe, close_time: Times | None = None, now: int | None = None) -> Codes:
    """Find what is wrong with each candle; one code a row, the empty string where nothing is.

    A row that breaks several rules gets the first of: what keeps it out of silver, then what is only reported.
    Rows are looked at one by one, in any order, duplicates too (`dedupe_candles` finds those); only
    IMPOSSIBLE_VOLUME (which needs thirty rows) and REPEATED compare rows.

    Args:
        bars: candles as parsed.
        timeframe: their length.
        close_time: first moment after each candle as the venue states it; negative where it does not.
        now: when the candles were read; None leaves FUTURE and UNFINISHED unchecked.
    """
    ends = close_times(bars.time, timeframe)
    until = np.iinfo(np.int64).max if now is None else now
    top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    with np.errstate(invalid="ignore", over="ignore"):
        rules = (
            (NOT_FINITE, ~_finite(bars)),
            (BAD_TIME, bars.time < _FIRST_TRADES),
            (OFF_GRID, bars.time != open_times(bars.time, timeframe)),
            (FUTURE, bars.time > until),
            (UNFINISHED, ends > until),
            (NON_POSITIVE_PRICE, np.minimum(bars.low, bottom) <= 0),
            (BAD_OHLC, (bars.high < top) | (bars.low > bottom) | (bars.high < bars.low)),
            (NEGATIVE_VOLUME, np.logical_or.reduce([getattr(bars, name) < 0 for name in COLUMNS[5:]])),
            (IMPOSSIBLE_VOLUME, _outliers(bars.volume)),
            (TRUNCATED, _cut(close_time, ends)),
            (PRICE_SPIKE, bars.high > _SPIKE * bars.low),
            (REPEATED, _repeated(bars)),
            (QUOTE_MISMATCH, _mismatch(bars)),
            (ZERO_VOLUME, bars.volume == 0),
        )
        return _first(rules, len(bars))


def check_trades(ticks: Ticks, now: int | None = None) -> Codes:
    """Find what is wrong with each trade; one code a row, the empty string where nothing is.

    Receipt may precede the event: CLOCK_JUMP only compares a row's delay with the median delay, and only where the
    recording states when each row was received.

    Args:
        ticks: trades as parsed.
        now: when they were read; None leaves FUTURE unchecked. A minute is allowed for clocks that differ.
    """
    until = np.iinfo(np.int64).max if now is None else now + _CLOCK_SLACK
    finite = np.isfinite(ticks.price) & np.isfinite(ticks.quantity)
    delay = ticks.received_time - ticks.event_time
    stated = len(ticks) > 0 and bool(np.any(ticks.received_time != ticks.received_time[0]))
    rules = (
        (NOT_FINITE, ~finite),
        (BAD_TIME, ticks.event_time < _FIRST_TRADES),
        (FUTURE, ticks.event_time > until),
        (NON_POSITIVE_PRICE, ticks.price <= 0),
        (NON_POSITIVE_QUANTITY, ticks.quantity <= 0),
        (CLOCK_JUMP, np.abs(delay - np.median(delay)) > HOUR if stated else np.zeros(len(ticks), bool)),
    )
    return _first(rules, len(ticks))


def dedupe_candles(bars: Bars, received: Times | None = None) -> Codes:
    """Mark candles whose open was seen before: DUPLICATE when all columns agree, else CONFLICT.

    Args:
        bars: candles of one instrument and timeframe, in any order.
        received: when each row was received; the earliest row of a key is kept, the first one among equals.
    """
    columns = [getattr(bars, name) for name in COLUMNS[1:]]
    return _dedupe((bars.time,), columns, received)


def dedupe_trades(ticks: Ticks) -> Codes:
    """Mark trades whose id was seen before: DUPLICATE when time, price, quantity and side agree, else CONFLICT.

    The earliest received row is kept. A negative id counts only together with the event time: number trades
    without ids by `number_trades` first, or those of one moment are taken for one trade.
    """
    moment = np.where(ticks.trade_id >= 0, 0, ticks.event_time)
    columns = [ticks.event_time, ticks.price, ticks.quantity, ticks.buyer_is_maker]
    return _dedupe((ticks.trade_id, moment), columns, ticks.received_time)


def number_trades(event_time: Times, trade_id: Times) -> Times:
    """Give trades without an id (negative) one that is unique at their moment: -1, -2, ... in the given order.

    Two prints of one moment, price and size are two trades; with these numbers they stay two, and a second file
    that holds the same moment numbers them alike.

    Example:
        >>> number_trades(np.array([5, 5, 9, 5]), np.array([-1, -1, -1, 7])).tolist()
        [-1, -2, -1, 7]
    """
    numbers = trade_id.astype(np.int64)
    rows = np.flatnonzero(numbers < 0)
    order = rows[np.argsort(event_time[rows], kind="stable")]
    times = event_time[order]
    begins = np.flatnonzero(np.diff(times, prepend=times[:1] - 1))
    lengths = np.diff(np.append(begins, len(times)))
    numbers[order] = -1 - (np.arange(len(times)) - np.repeat(begins, lengths))
    return numbers


def gaps(time: Times, timeframe: Timeframe) -> list[Gap]:
    """Find the candles missing between the first and the last one, in ascending order.

    Args:
        time: opens, in any order; those off the grid count for the candle they lie in.
        timeframe: length of the candles.
    """
    ends = np.unique(close_times(time, timeframe))
    if len(ends) < 2:
        return []
    opens = open_times(ends - 1, timeframe)
    places = np.flatnonzero(opens[1:] != ends[:-1])
    return [_gap(int(ends[i]), int(opens[i + 1]), timeframe) for i in places]


def id_gaps(trade_id: Times) -> list[IdGap]:
    """Find the ids missing between the smallest and the largest one; negative ids are no ids.

    Only for venues that count their trades one by one.

    Example:
        >>> id_gaps(np.array([7, 3, 4, -1]))
        [IdGap(first=5, last=6, missing=2)]
    """
    ids = np.unique(trade_id[trade_id >= 0])
    places = np.flatnonzero(np.diff(ids) > 1)
    return [IdGap(int(ids[i]) + 1, int(ids[i + 1]) - 1, int(ids[i + 1] - ids[i]) - 1) for i in places]


def _gap(start: int, end: int, timeframe: Timeframe) -> Gap:
    if timeframe.is_fixed:
        return Gap(start, end, (end - start) // timeframe.microseconds)
    missing, moment = 0, start
    while moment < end:
        missing, moment = missing + 1, timeframe.next(moment)
    return Gap(start, end, missing)


def _first(rules: tuple[tuple[str, NDArray[np.bool_]], ...], count: int) -> Codes:
    codes = np.full(count, CLEAN, "<U24")
    for code, broken in reversed(rules):
        codes[broken] = code
    return codes


def _finite(bars: Bars) -> NDArray[np.bool_]:
    finite = np.isfinite(bars.volume)
    for name in PRICES:
        finite &= np.isfinite(getattr(bars, name))
    for name in COLUMNS[6:]:  # NaN there means unknown
        finite &= ~np.isinf(getattr(bars, name))
    return finite


def _cut(close_time: Times | None, ends: Times) -> NDArray[np.bool_]:
    if close_time is None:
        return np.zeros(len(ends), bool)
    return (close_time >= 0) & (close_time < ends)


def _mismatch(bars: Bars) -> NDArray[np.bool_]:
    # Some sources round volumes to two decimals: what is looked for are columns mixed up and digits run together.
    low, high = bars.low * bars.volume, bars.high * bars.volume
    allowed = 0.01 * high + 1e-6
    return (bars.quote_volume < low - allowed) | (bars.quote_volume > high + allowed)


def _outliers(volume: Floats) -> NDArray[np.bool_]:
    # Two numbers run together stand far above all the rest; a busy day of a thin market stands in a crowd. A few
    # such rows may hide each other, so the cut is looked for behind each of the largest half per cent.
    known = np.sort(volume[np.isfinite(volume) & (volume > 0)])[::-1]
    if len(known) < _MANY:
        return np.zeros(len(volume), bool)
    few = max(1, len(known) // 200)
    cuts = np.flatnonzero(known[:few] > _OUTLIER * known[1 : few + 1])
    limit = known[cuts[-1]] if len(cuts) else np.inf
    return np.greater_equal(volume, limit)


def _repeated(bars: Bars) -> NDArray[np.bool_]:
    # A candle in which the price moved does not come again with the same five numbers.
    columns = [bars.volume, bars.open, bars.high, bars.low, bars.close]
    order = np.lexsort(columns)
    same = np.logical_and.reduce([np.diff(column[order]) == 0 for column in columns])
    same &= np.diff(bars.time[order]) != 0
    repeated = np.zeros(len(bars), bool)
    repeated[order[1:][same]] = repeated[order[:-1][same]] = True
    return repeated & (bars.volume > 0) & (bars.high > bars.low)


def _dedupe(key: tuple[Times, ...], columns: list[NDArray[np.generic]], received: Times | None) -> Codes:
    count = len(key[0])
    arrival = np.zeros(count, np.int64) if received is None else received
    order = np.lexsort((np.arange(count), arrival, *reversed(key)))
    codes = np.full(count, CLEAN, "<U24")
    if count == 0:
        return codes
    again = np.concatenate([[False], np.logical_and.reduce([np.diff(part[order]) == 0 for part in key])])
    first = order[np.maximum.accumulate(np.where(again, 0, np.arange(count)))]
    equal = np.ones(count, bool)
    for column in columns:
        mine, theirs = column[order], column[first]
        equal &= (mine == theirs) | ((mine != mine) & (theirs != theirs))
    codes[order] = np.where(again, np.where(equal, DUPLICATE, CONFLICT), CLEAN)
    return codes
