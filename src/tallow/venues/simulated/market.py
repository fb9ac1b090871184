"""A seeded market that is the truth: its candles are the aggregation of its trades."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from tallow.domain.columns import Bars, FundingRates, Ticks, Times
from tallow.domain.errors import UserError, nearest
from tallow.domain.market import Instrument, parse_symbol
from tallow.domain.ranges import TimeRange, parse_time
from tallow.domain.timeframes import DAY, HOUR, MINUTE, Timeframe, parse_timeframe
from tallow.ports import InstrumentRule
from tallow.venues.simulated.candles import Scale, aggregate, opens_between
from tallow.venues.simulated.kernel import TRADE_BUYER_IS_MAKER, TRADE_LOTS, TRADE_TICKS, TRADE_TIME, Wholes
from tallow.venues.simulated.tape import Asset, Tape, asset

_FUNDING_EVERY = 8 * HOUR
_MIN_NOTIONAL = 5.0


@dataclass(frozen=True)
class Halt:
    """A stretch without trades.

    Attributes:
        span: when; whole milliseconds.
        published: whether empty candles are published meanwhile (volume 0) or are missing.
    """

    span: TimeRange
    published: bool = False


def usual_halts(start: int, days: int) -> tuple[Halt, ...]:
    """Give three outages as exchanges have them: hours missing after a cut candle, an empty hour, minutes missing."""
    day = (start // DAY) * DAY
    first = day + days * 23 // 100 * DAY + 12 * HOUR + 39 * MINUTE + 41_000_000
    second = day + days * 51 // 100 * DAY + 6 * HOUR
    third = day + days * 78 // 100 * DAY + 2 * HOUR
    return (
        Halt(TimeRange(first, first + 5 * HOUR - 41_000_000)),
        Halt(TimeRange(second, second + HOUR), published=True),
        Halt(TimeRange(third, third + 34 * MINUTE)),
    )


class Market:
    """A simulated exchange's whole history, a function of the arguments only.

    The trades of one pair are the same on spot and on its perpetual. Nothing is computed before it is asked for;
    asking for a day computes the days before it.

    Args:
        seed: any integer from 0; another seed is another market.
        symbols: instruments under any spelling; all get the venue `simulated`.
        start: first moment, at midnight UTC.
        days: length.
        trades_per_day: mean number of trades of the most traded asset.
        halts: outages, for every instrument; see `usual_halts`.

    Attributes:
        span: from the first moment to the end of the last day.
        instruments: what trades, in the order given.
        halts: the outages.

    Example:
        >>> market = Market(seed=1, symbols=["BTC/USDT"], days=2, trades_per_day=500)
        >>> len(market.candles("BTC/USDT", "1h"))
        48
    """

    def __init__(
        self,
        seed: int = 7,
        symbols: Iterable[str] = ("BTC/USDT", "ETH/USDT", "SOL/USDT"),
        start: "str | int | date | datetime" = "2024-01-01",
        days: int = 365,
        trades_per_day: float = 6_000.0,
        halts: Sequence[Halt] = (),
    ) -> None:
        begin = parse_time(start)
        if begin % DAY or days < 1 or seed < 0 or trades_per_day <= 0:
            raise UserError(
                "BAD_MARKET",
                "a simulated market cannot be made from these arguments",
                facts={
                    "received": f"start {start}, days {days}, seed {seed}, trades_per_day {trades_per_day}",
                    "valid": "start at midnight UTC, days from 1, seed from 0, trades_per_day above 0",
                },
            )
        self.span = TimeRange(begin, begin + days * DAY)
        self.seed, self.days, self.halts = seed, days, tuple(halts)
        self.instruments = tuple(parse_symbol(symbol, "simulated") for symbol in symbols)
        stretches = [((h.span.start - begin) // 1_000, (h.span.end - begin) // 1_000) for h in halts]
        closed: Wholes = np.array(stretches, np.int64).reshape(-1, 2)
        self._tapes: dict[str, Tape] = {}
        for item in self.instruments:
            if _pair(item) not in self._tapes:
                traits = asset(item.base)
                self._tapes[_pair(item)] = Tape(seed, _pair(item), traits, trades_per_day, closed)

    def instrument(self, symbol: "str | Instrument") -> Instrument:
        """Find an instrument of this market.

        Raises:
            UserError: UNKNOWN_SYMBOL.
        """
        wanted = symbol.symbol if isinstance(symbol, Instrument) else parse_symbol(symbol, "simulated").symbol
        known = {item.symbol: item for item in self.instruments}
        if wanted not in known:
            raise UserError(
                "UNKNOWN_SYMBOL",
                f"the simulated market has no {wanted}",
                facts={"nearest": ", ".join(nearest(wanted, known)), "valid": ", ".join(known)},
            )
        return known[wanted]

    def rules(self) -> tuple[InstrumentRule, ...]:
        """Give the trading rules of every instrument."""
        return tuple(
            InstrumentRule(item, "TRADING", 10.0**-traits.price_digits, 10.0**-traits.lot_digits, _MIN_NOTIONAL)
            for item, traits in ((item, asset(item.base)) for item in self.instruments)
        )

    def traits(self, symbol: "str | Instrument") -> Asset:
        """Give the decimals and habits of an instrument's base asset."""
        return asset(self.instrument(symbol).base)

    def candles(self, symbol: "str | Instrument", timeframe: "str | Timeframe", span: TimeRange | None = None) -> Bars:
        """Give the candles that open inside `span` and close by the market's end; missing ones are left out.

        Raises:
            UserError: UNKNOWN_SYMBOL, or BAD_TIMEFRAME for one that minutes do not add up to.
        """
        instrument, frame = self.instrument(symbol), parse_timeframe(timeframe)
        if frame.is_fixed and frame.microseconds % MINUTE:
            raise UserError(
                "BAD_TIMEFRAME", f"the simulated market has no {frame} candles", facts={"valid": "1m to 1M"}
            )
        wanted = self.span if span is None else span.intersect(TimeRange(frame.floor(self.span.start), self.span.end))
        if wanted is None:
            return aggregate(np.zeros((0, 9), np.int64), 0, *(np.zeros(0, np.int64),) * 2, Scale(0, 0), 0)
        opens = opens_between(frame, wanted.start, self.span.end)
        opens = opens[opens < wanted.end]
        closes = _closes(frame, opens)
        published = ~self._missing(opens, closes)
        tape, traits = self._tapes[_pair(instrument)], asset(instrument.base)
        days = -(-(int(closes[-1]) - self.span.start) // DAY) if len(closes) else 0
        scale = Scale(traits.price_digits, traits.lot_digits)
        bars = aggregate(tape.minutes(days), self.span.start, opens, closes, scale, tape.first_ticks)
        return bars[published]

    def close_times(self, timeframe: "str | Timeframe", opens: Times) -> Times:
        """Give the close of each candle, exclusive; a candle that an outage cuts short closes when it began."""
        closes = _closes(parse_timeframe(timeframe), opens)
        for halt in self.halts:
            cut = (opens < halt.span.start) & (halt.span.start < closes) & (closes <= halt.span.end)
            if not halt.published:
                closes = np.where(cut, halt.span.start, closes)
        return closes

    def trades(self, symbol: "str | Instrument", span: TimeRange | None = None) -> Ticks:
        """Give the trades inside `span`; the received time is the event time."""
        inside = (span or self.span).intersect(self.span)
        instrument = self.instrument(symbol)
        if inside is None:
            return self._ticks(instrument, [])
        first, last = ((time - self.span.start) // DAY for time in (inside.start, inside.end - 1))
        ticks = self._ticks(instrument, range(first, last + 1))
        low, high = np.searchsorted(ticks.event_time, [inside.start, inside.end])
        return ticks[low:high]

    def trades_from(self, symbol: "str | Instrument", trade_id: int, count: int) -> Ticks:
        """Give up to `count` trades whose ids begin at `trade_id`."""
        instrument = self.instrument(symbol)
        tape = self._tapes[_pair(instrument)]
        low, high = 0, self.days
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if tape.first_id(middle) <= trade_id else (low, middle)
        end = low + 1
        while end < self.days and tape.first_id(end) < trade_id + count:
            end += 1
        ticks = self._ticks(instrument, range(low, end))
        place = int(np.searchsorted(ticks.trade_id, trade_id))
        return ticks[place : place + count]

    def funding(self, symbol: "str | Instrument", span: TimeRange | None = None) -> FundingRates:
        """Give the funding paid inside `span`: every eight hours, a few milliseconds late, as venues do.

        Raises:
            UserError: NO_FUNDING for an instrument that is no perpetual.
        """
        instrument = self.instrument(symbol)
        if not instrument.is_perpetual:
            raise UserError("NO_FUNDING", f"{instrument} pays no funding: it is no perpetual future")
        count = (self.span.end - self.span.start) // _FUNDING_EVERY
        generator = np.random.PCG64([self.seed, 8, zlib.crc32(_pair(instrument).encode())])
        raw = generator.random_raw((count, 2))
        late = (raw[:, 0] % np.uint64(20)).astype(np.int64) * 1_000
        # In steps of 1e-8 around 0.01 %: integers, so that text and number agree.
        steps = 10_000 + (raw[:, 1] % np.uint64(60_001)).astype(np.int64) - 30_000
        times = self.span.start + np.arange(count, dtype=np.int64) * _FUNDING_EVERY + late
        inside = (times >= (span or self.span).start) & (times < (span or self.span).end)
        return FundingRates(times[inside], steps[inside] / 1e8)

    def _missing(self, opens: Times, closes: Times) -> np.typing.NDArray[np.bool_]:
        missing = np.zeros(len(opens), np.bool_)
        for halt in self.halts:
            if not halt.published:
                missing |= (opens >= halt.span.start) & (closes <= halt.span.end)
        return missing

    def _ticks(self, instrument: Instrument, days: Iterable[int]) -> Ticks:
        tape, traits, wanted = self._tapes[_pair(instrument)], asset(instrument.base), list(days)
        rows = np.concatenate([np.zeros((0, 4), np.int64), *(tape.trades(day) for day in wanted)])
        first = tape.first_id(wanted[0]) if wanted else 0
        times = self.span.start + rows[:, TRADE_TIME] * 1_000
        return Ticks(
            np.arange(first, first + len(rows), dtype=np.int64),
            times,
            times,
            rows[:, TRADE_TICKS] / 10.0**traits.price_digits,
            rows[:, TRADE_LOTS] / 10.0**traits.lot_digits,
            rows[:, TRADE_BUYER_IS_MAKER] != 0,
        )


def _closes(timeframe: Timeframe, opens: Times) -> Times:
    if timeframe.is_fixed:
        return opens + timeframe.microseconds
    return np.array([timeframe.next(int(time)) for time in opens], np.int64)


def _pair(instrument: Instrument) -> str:
    return f"{instrument.base}/{instrument.quote}"
