import numpy as np
import pytest

from tallow.domain.columns import Bars, FundingRates, Ticks
from tallow.domain.market import parse_symbol
from tallow.domain.timeframes import HOUR, MINUTE
from tallow.ports import Rejected
from tallow.venues.files.parse.content import Parsed
from tallow.venues.files.parse.units import in_base_units, told_length


def candle(**known: float) -> Bars:
    ohlcv = tuple(np.array([value]) for value in (90.0, 130.0, 80.0, 100.0, 8.0))  # the mean price is 100
    return Bars.of(np.array([0]), ohlcv, **{name: np.array([value]) for name, value in known.items()})


def trades(*prices: float) -> Ticks:
    n = np.arange(len(prices))
    return Ticks(n, n, n, np.array(prices), np.full(len(prices), 5.0), np.zeros(len(prices), bool))


@pytest.mark.parametrize(
    ("symbol", "tags", "volume", "quote_volume"),
    [
        ("binance:BTC/USDT", [], 8.0, np.nan),
        ("binance:BTC/USDT:USDT", [], 8.0, np.nan),
        ("ftx:BTC/USD:USD", ["quote_volume"], 0.08, 8.0),
        ("yahoo:BTC/USD", ["quote_volume"], 0.08, 8.0),
        ("binance:BTC/USD:BTC", [], 8.0, 800.0),  # contracts of 100 USD
        ("binance:ETH/USD:ETH", [], 0.8, 80.0),  # of 10
        ("bybit:BTC/USD:BTC", [], 0.08, 8.0),  # of 1
        ("okx:BTC/USD:BTC", ["base_volume"], 8.0, np.nan),
        ("kraken:BTC/USD:BTC", [], np.nan, np.nan),  # not known
    ],
)
def test_candles_count_the_base_asset(symbol: str, tags: list[str], volume: float, quote_volume: float) -> None:
    parsed = in_base_units(Parsed("candles", candle(), tags=frozenset(tags)), parse_symbol(symbol))
    assert isinstance(parsed.rows, Bars)
    np.testing.assert_allclose([parsed.rows.volume[0], parsed.rows.quote_volume[0]], [volume, quote_volume])


def test_inverse_candles_of_binance_state_the_base_volume_themselves() -> None:
    bars = candle(quote_volume=7.5, taker_buy_volume=3.0, taker_buy_quote_volume=2.5)
    rows = in_base_units(Parsed("candles", bars), parse_symbol("binance:BTC/USD:BTC")).rows
    assert isinstance(rows, Bars)
    names = ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")
    assert [getattr(rows, name)[0] for name in names] == [7.5, 800.0, 2.5, 300.0]


@pytest.mark.parametrize(
    ("symbol", "value", "quantity"),
    [
        ("binance:BTC/USDT", np.nan, 5.0),
        ("binance:BTC/USDT:USDT", np.nan, 5.0),
        ("binance:BTC/USD:BTC", np.nan, 5.0 * 100 / 50),
        ("okx:XMR/USDT:USDT", 0.1, 0.5),
        ("okx:UNI/USD:UNI", 10.0, 1.0),
    ],
)
def test_trades_count_the_base_asset(symbol: str, value: float, quantity: float) -> None:
    parsed = in_base_units(Parsed("trades", trades(50.0), contract_value=value), parse_symbol(symbol))
    assert isinstance(parsed.rows, Ticks)
    np.testing.assert_allclose(parsed.rows.quantity, [quantity])


@pytest.mark.parametrize("symbol", ["okx:XMR/USDT:USDT", "kraken:BTC/USD:BTC"])
def test_contracts_of_unknown_size_are_set_aside(symbol: str) -> None:
    before = Rejected(1, "BAD_TIME", "x")
    parsed = in_base_units(Parsed("trades", trades(50.0, 60.0), rejected=(before,)), parse_symbol(symbol))
    assert len(parsed.rows) == 0
    assert [(r.row, r.reason) for r in parsed.rejected] == [
        (0, "CONTRACT_UNKNOWN"), (1, "BAD_TIME"), (2, "CONTRACT_UNKNOWN"),
    ]  # fmt: skip
    assert parsed.rejected[2].record == "1,1,1,60.0,5.0,False"


def test_funding_has_no_volume() -> None:
    parsed = Parsed("funding", FundingRates(np.array([1]), np.array([0.1])))
    assert in_base_units(parsed, parse_symbol("binance:BTC/USD:BTC")) is parsed


@pytest.mark.parametrize(
    ("times", "length"),
    [
        ([0, 1, 2, 3], "1m"),
        ([3, 0, 2, 1, 1], "1m"),
        ([0, 1, 2, 60], "1m"),
        ([0, 5, 10], "5m"),
        ([0, 60, 120], "1h"),
        ([0, 7, 14], "None"),  # no usual length
        ([1, 6, 11], "None"),  # five minutes apart, but not where such candles open
        ([0, 1, 20, 50, 90], "None"),  # most steps are longer
        ([0, 1], "None"),
        ([], "None"),
    ],
)
def test_the_length_that_steps_tell(times: list[int], length: str) -> None:
    assert str(told_length(np.array(times, np.int64) * MINUTE + 24 * HOUR)) == length
