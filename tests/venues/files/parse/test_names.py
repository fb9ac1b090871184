import pytest

from tallow.domain.market import Instrument, parse_symbol
from tallow.venues.files.parse.names import (
    names_funding,
    names_marks,
    perpetual,
    read_names,
    read_symbol,
    timeframe_in,
    venue_word,
)


@pytest.mark.parametrize(
    ("path", "instrument", "timeframe"),
    [
        ("binance/spot/klines-1h/BTC_USDT-1h.feather", "binance:BTC/USDT", "1h"),
        ("binance/spot/klines-1Mo/BTC_USDT-1Mo.feather", "binance:BTC/USDT", "1M"),
        ("binance/usdm/klines-5m/XRP_USDT_USDT-5m-futures.feather", "binance:XRP/USDT:USDT", "5m"),
        ("user_data/data/okx/futures/ETH_USDT_USDT-15m-futures.feather", "okx:ETH/USDT:USDT", "15m"),
        ("binance/rest/BTCUSDT-1h-pages.zip!BTCUSDT/1h/2022-01-01.json", "binance:BTC/USDT", "1h"),
        ("binance/rest/BTCUSDT/1d/2018-01-01.json", "binance:BTC/USDT", "1d"),
        ("binance/data/futures/um/daily/klines/ETHUSDT/1m/ETHUSDT-1m-2024-01-01.zip", "binance:ETH/USDT:USDT", "1m"),
        ("binance/data/futures/cm/BTCUSD_PERP-1d-2024-01.csv", "binance:BTC/USD:BTC", "1d"),
        ("binance/spot/ADABTC-1m-2021-11-27.CORRUPT.zip", "binance:ADA/BTC", "1m"),
        ("binance/spot/btcusdt-trades-20210108.parquet", "binance:BTC/USDT", "None"),
        (
            "lean/crypto/binance/minute/btcbusd/20221213_trade.zip!20221213_btcbusd_minute_trade.csv",
            "binance:BTC/BUSD",
            "1m",
        ),
        ("lean/cryptofuture/bybit/minute/btcusd/20221213_trade.zip", "bybit:BTC/USD:BTC", "1m"),
        ("lean/cryptofuture/bybit/minute/btcusdt/20221213_trade.zip", "bybit:BTC/USDT:USDT", "1m"),
        ("lean/crypto/binance/hour/btcusdt_trade.zip", "binance:BTC/USDT", "1h"),
        ("x/Coinbase_BTCUSD_1h.csv", "coinbase:BTC/USD", "1h"),
        ("x/Coinbase_BTCUSD_d.csv", "coinbase:BTC/USD", "1d"),
        ("x/Coinbase-BTC-USD-PT4H-20160518_20251028.json", "coinbase:BTC/USD", "4h"),
        ("x/BinanceUS-ETH-USD-5m-20230313.json", "binanceus:ETH/USD", "5m"),
        ("ftx/klines-1m/btc-perp-20211231-20220201_1m.csv", "ftx:BTC/USD:USD", "1m"),
        ("yahoo/csv/BTC-USD.csv", "yahoo:BTC/USD", "None"),
        ("kraken/XBTUSD.csv", "kraken:BTC/USD", "None"),
        ("kraken/DOTUSD.csv", "kraken:DOT/USD", "None"),
        ("kraken/trades/BCHEUR-trades.csv", "kraken:BCH/EUR", "None"),
        ("okex/swap/BTC-USDT-1h.csv", "okx:BTC/USDT:USDT", "1h"),
        (r"C:\data\binance\BTCUSDT-4h.csv", "binance:BTC/USDT", "4h"),
        ("binance/KRAKEN_USD-1h.csv", "None", "1h"),
        ("binance/AB_CDE-1h.csv", "None", "1h"),
        ("binance/industry/country.csv", "None", "None"),
        ("somewhere/BTCUSDT-4h.csv", "None", "4h"),
        ("data.csv", "None", "None"),
    ],
)
def test_what_paths_say(path: str, instrument: str, timeframe: str) -> None:
    hints = read_names(path, 7)
    assert (str(hints.instrument), str(hints.timeframe), hints.received_time) == (instrument, timeframe, 7)


def test_a_format_fills_in_the_venue() -> None:
    assert str(read_names("data/BTCUSDT-1h.csv", 0, "binance").instrument) == "binance:BTC/USDT"
    assert read_names("okx/BTCUSDT-1h.csv", 0, "binance").venue == "okx"
    assert read_names("x/cryptofeed-BYBIT-v5-20260809.jsonl.zst", 0).venue == "bybit"


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1m", "1m"), ("1M", "1M"), ("3Mo", "3M"), ("1mo", "1M"), ("PT15M", "15m"), ("P1D", "1d"), ("weekly", "1w"),
        ("klines-30m", "30m"), ("20240101", "None"), ("0m", "None"), ("", "None"), ("BTCUSDT", "None"),
    ],
)  # fmt: skip
def test_candle_lengths_in_names(text: str, length: str) -> None:
    assert str(timeframe_in(text)) == length


@pytest.mark.parametrize(
    ("path", "mark", "funding"),
    [
        ("XRP_USDT_USDT-8h-mark.feather", True, False),
        ("http_futures_market_index_price_klines.json", True, False),
        ("premiumIndex-BTCUSDT-1h.csv", True, False),
        ("XRP_USDT_USDT-8h-funding_rate.feather", False, True),
        ("mark/BTCUSDT-1h.csv", False, False),
        ("market_BTCUSDT-1h.csv", False, False),
    ],
)
def test_marks_and_funding_in_names(path: str, mark: bool, funding: bool) -> None:
    assert (names_marks(path), names_funding(path)) == (mark, funding)


@pytest.mark.parametrize(
    ("name", "market", "symbol"),
    [
        ("binance:BTC/USDT", "linear", "BTC/USDT:USDT"),
        ("binance:BTC/USD", "inverse", "BTC/USD:BTC"),
        ("bybit:BTC/USD", "linear", "BTC/USD:BTC"),
        ("ftx:BTC/USD", "linear", "BTC/USD:USD"),
        ("binance:BTC/USDT", "spot", "BTC/USDT"),
        ("binance:BTC/USDT", "", "BTC/USDT"),
        ("binance:BTC/USDT:USDT", "inverse", "BTC/USDT:USDT"),
    ],
)
def test_the_perpetual_of_a_spot_name(name: str, market: str, symbol: str) -> None:
    assert perpetual(parse_symbol(name), market).symbol == symbol


def test_venue_spellings() -> None:
    assert read_symbol("BTC-USD-210924-66000-C", "okx") is None
    assert read_symbol("", "okx") is None
    assert read_symbol("BTCUSDT", "") is None
    assert read_symbol("BTCUSDT", "bybit", "linear") == Instrument("bybit", "BTC", "USDT", "USDT")
    assert (venue_word("OKEX"), venue_word("BinanceUS"), venue_word("nyse")) == ("okx", "binanceus", "")
