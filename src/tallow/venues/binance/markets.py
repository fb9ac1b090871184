"""What differs between Binance's spot, USD-M and COIN-M interfaces: paths, limits, weights, spellings."""

from dataclasses import dataclass
from typing import Literal

from tallow.domain.errors import UserError
from tallow.domain.market import Instrument
from tallow.domain.timeframes import DAY, Timeframe

Name = Literal["spot", "usdm", "coinm"]

_FUTURES_INTERVALS = (
    "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M",
)  # fmt: skip


@dataclass(frozen=True)
class Api:
    """One of the three interfaces.

    Attributes:
        prefix: path before the endpoint's name.
        archive: folder of data.binance.vision.
        page: most candles one request may ask for.
        trades_weight: weight of a page of aggregated trades.
        info_weight: weight of the list of symbols.
        weight_per_minute: what this client allows itself: 90 % of the venue's limit for one address.
        longest_window: longest time between `startTime` and `endTime` of candles, microseconds; 0 is any.
    """

    name: Name
    prefix: str
    archive: str
    page: int
    trades_weight: int
    info_weight: int
    weight_per_minute: int
    intervals: tuple[str, ...]
    longest_window: int = 0

    def candles_weight(self, limit: int) -> int:
        """Give the weight of a request for `limit` candles."""
        if self.name == "spot":
            return 2
        return next(weight for most, weight in ((99, 1), (499, 2), (1000, 5), (1500, 10)) if limit <= most)

    def check_interval(self, timeframe: Timeframe) -> None:
        """Stop at a candle length that this interface does not have.

        Raises:
            UserError: BAD_TIMEFRAME.
        """
        if str(timeframe) not in self.intervals:
            raise UserError(
                "BAD_TIMEFRAME",
                f"binance {self.name} has no {timeframe} candles",
                facts={"valid": " ".join(self.intervals), "note": "other lengths are resampled from these"},
            )


APIS: dict[Name, Api] = {
    "spot": Api("spot", "/api/v3", "spot", 1000, 4, 20, 5400, ("1s", *_FUTURES_INTERVALS)),
    "usdm": Api("usdm", "/fapi/v1", "futures/um", 1500, 20, 1, 2160, _FUTURES_INTERVALS),
    "coinm": Api("coinm", "/dapi/v1", "futures/cm", 1500, 20, 1, 2160, _FUTURES_INTERVALS, 200 * DAY),
}
TRADES_PAGE = 1000
FUNDING_PAGE = 1000
# Funding has its own limit of 500 requests in 5 minutes: at this weight the budget allows 432.
FUNDING_WEIGHT = 25


def api_of(instrument: Instrument) -> Api:
    """Give the interface on which an instrument trades."""
    if instrument.is_spot:
        return APIS["spot"]
    return APIS["coinm" if instrument.is_inverse else "usdm"]


def venue_symbol(instrument: Instrument) -> str:
    """Spell an instrument as Binance does.

    Example:
        >>> from tallow.domain.market import parse_symbol
        >>> [venue_symbol(parse_symbol(s)) for s in ("BTC/USDT", "BTC/USDT:USDT-251226", "BTC/USD:BTC")]
        ['BTCUSDT', 'BTCUSDT_251226', 'BTCUSD_PERP']
    """
    pair = instrument.base + instrument.quote
    if instrument.expiry:
        return f"{pair}_{instrument.expiry}"
    return f"{pair}_PERP" if instrument.is_inverse else pair
