"""Volumes become base units, whatever the source counts in; a series tells its candle length by its steps."""

from dataclasses import fields, replace

import numpy as np

from tallow.core.bars import open_times
from tallow.domain.columns import Bars, Floats, Ticks, Times
from tallow.domain.market import Instrument
from tallow.domain.timeframes import STANDARD, Timeframe, parse_timeframe
from tallow.ports import Rejected
from tallow.venues.files.parse.content import Parsed

_FEW = 3  # candles from which a length may be told


def in_base_units(parsed: Parsed, instrument: Instrument) -> Parsed:
    """Give candles and trades with volumes in base units.

    Contracts of inverse futures are worth a fixed number of quote units: Binance and OKX 100 USD for bitcoin and 10
    for the rest, Bybit 1. Where a source states only quote units or contracts, the base volume of a candle is
    estimated as quote volume over the mean of its four prices; the truth lies between quote / high and quote / low.
    Trades of contracts whose size is unknown are set aside as CONTRACT_UNKNOWN.
    """
    if isinstance(parsed.rows, Bars):
        return replace(parsed, rows=_candles(parsed.rows, parsed, instrument))
    if not isinstance(parsed.rows, Ticks) or instrument.is_spot:
        return parsed
    if not instrument.is_inverse and instrument.venue != "okx":
        return parsed
    value = _contract_value(parsed, instrument)
    if np.isnan(value):
        return _set_aside(parsed, parsed.rows)
    quantity = parsed.rows.quantity * value
    return replace(
        parsed, rows=replace(parsed.rows, quantity=quantity / parsed.rows.price if instrument.is_inverse else quantity)
    )


def told_length(time: Times) -> Timeframe | None:
    """Tell the candle length from the opens: the smallest step, when most steps are as small and all fit its grid."""
    steps = np.diff(np.unique(time))
    if len(steps) < _FEW - 1:
        return None
    smallest = int(steps.min())
    known = {frame.microseconds: frame for frame in map(parse_timeframe, STANDARD) if frame.is_fixed}
    frame = known.get(smallest)
    if frame is None or np.count_nonzero(steps == smallest) * 2 < len(steps):
        return None
    return frame if bool((open_times(time, frame) == time).all()) else None


def _candles(bars: Bars, parsed: Parsed, instrument: Instrument) -> Bars:
    if "base_volume" in parsed.tags:
        return bars
    if "quote_volume" in parsed.tags:
        return replace(bars, volume=_estimate(bars, bars.volume), quote_volume=bars.volume)
    if not instrument.is_inverse:
        return bars
    value = _contract_value(parsed, instrument)
    if np.isnan(bars.quote_volume).all():
        worth = bars.volume * value
        return replace(bars, volume=_estimate(bars, worth), quote_volume=worth)
    # Binance's inverse candles have the base volume where the others have the quote volume.
    return replace(
        bars,
        volume=bars.quote_volume,
        quote_volume=bars.volume * value,
        taker_buy_volume=bars.taker_buy_quote_volume,
        taker_buy_quote_volume=bars.taker_buy_volume * value,
    )


def _estimate(bars: Bars, worth: Floats) -> Floats:
    mean = (bars.open + bars.high + bars.low + bars.close) / 4
    return np.divide(worth, mean, out=np.zeros_like(mean), where=mean > 0)


def _contract_value(parsed: Parsed, instrument: Instrument) -> float:
    if not np.isnan(parsed.contract_value):
        return parsed.contract_value
    if not instrument.is_inverse:
        return float("nan")
    by_venue = {"binance": (100.0, 10.0), "okx": (100.0, 10.0), "bybit": (1.0, 1.0)}
    bitcoin, others = by_venue.get(instrument.venue, (float("nan"), float("nan")))
    return bitcoin if instrument.base == "BTC" else others


def _set_aside(parsed: Parsed, ticks: Ticks) -> Parsed:
    names = [field.name for field in fields(ticks)]
    taken = {item.row for item in parsed.rejected}
    places = [row for row in range(len(ticks) + len(taken)) if row not in taken]
    aside = [
        Rejected(place, "CONTRACT_UNKNOWN", ",".join(str(getattr(ticks, name)[row]) for name in names))
        for row, place in enumerate(places)
    ]
    rejected = tuple(sorted([*parsed.rejected, *aside], key=lambda item: item.row))
    return replace(parsed, rows=ticks[:0], rejected=rejected)
