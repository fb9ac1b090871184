"""Market data by column: the form in which every kernel reads it."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Targets = Floats | Mask
"""What a strategy asks for at every close: a fraction of equity, NaN to keep the last; or whether to hold all of it."""


@dataclass(frozen=True)
class Bars:
    """Candles by column, one row a candle, ascending and unique by `time` once they are silver.

    `time` is the candle's open in microseconds UTC; a candle is known at its close, never before. Prices and
    volumes are float64; NaN in the last four columns means that the source does not tell.
    """

    time: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    quote_volume: Floats
    trades: Floats
    taker_buy_volume: Floats
    taker_buy_quote_volume: Floats

    @classmethod
    def of(cls, time: Times, ohlcv: tuple[Floats, Floats, Floats, Floats, Floats], **known: Floats) -> "Bars":
        """Build from the five columns every source has; what is not given is NaN."""
        unknown = np.full(len(time), np.nan)
        rest = {name: np.asarray(known.get(name, unknown), np.float64) for name in COLUMNS[6:]}
        columns = (np.ascontiguousarray(column, np.float64) for column in ohlcv)
        return cls(np.ascontiguousarray(time, np.int64), *columns, **rest)

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: "slice | NDArray[np.bool_] | NDArray[np.intp]") -> "Bars":
        return Bars(*(getattr(self, name)[rows] for name in COLUMNS))


COLUMNS = tuple(field.name for field in fields(Bars))
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Ticks:
    """Trades by column, one row a trade. Times are microseconds UTC; quantities are in base units.

    `trade_id` is -1 where the source has none; `buyer_is_maker` means that the taker sold.
    """

    trade_id: Times
    event_time: Times
    received_time: Times
    price: Floats
    quantity: Floats
    buyer_is_maker: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.event_time)

    def __getitem__(self, rows: "slice | NDArray[np.bool_] | NDArray[np.intp]") -> "Ticks":
        return Ticks(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True)
class FundingRates:
    """Funding of a perpetual: the fraction of notional that longs pay to shorts at `time` (microseconds UTC)."""

    time: Times
    rate: Floats

    def __len__(self) -> int:
        return len(self.time)
