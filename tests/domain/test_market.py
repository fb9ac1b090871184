import pytest

from tallow.domain.errors import UserError
from tallow.domain.market import Candle, Instrument, Trade, parse_symbol


@pytest.mark.parametrize(
    ("text", "venue", "unified"),
    [
        ("BTC/USDT", "binance", "binance:BTC/USDT"),
        ("okx:BTC/USDT:USDT", "binance", "okx:BTC/USDT:USDT"),
        ("BTCUSDT", "binance", "binance:BTC/USDT"),
        ("btcusdt", "bybit", "bybit:BTC/USDT"),
        ("BTC-USDT", "okx", "okx:BTC/USDT"),
        ("BTC-USDT-SWAP", "okx", "okx:BTC/USDT:USDT"),
        ("BTC-USD-SWAP", "okx", "okx:BTC/USD:BTC"),
        ("BTCUSD_PERP", "binance", "binance:BTC/USD:BTC"),
        ("BTC_USDT", "binance", "binance:BTC/USDT"),
        ("BTCUSDT_210625", "binance", "binance:BTC/USDT:USDT-210625"),
        ("BTC-USD-251226", "okx", "okx:BTC/USD:BTC-251226"),
        ("BTC/USDT:USDT-251226", "okx", "okx:BTC/USDT:USDT-251226"),
        ("BTC-USD", "yahoo", "yahoo:BTC/USD"),
        ("ADABTC", "binance", "binance:ADA/BTC"),
        ("DOTUSD", "binance", "binance:DOT/USD"),
        ("DOTUSD_PERP", "binance", "binance:DOT/USD:DOT"),
        ("OPUSDT", "binance", "binance:OP/USDT"),
        ("ETHTUSD", "binance", "binance:ETH/TUSD"),
        ("binanceus:ETH/USD", "binance", "binanceus:ETH/USD"),
        ("1000SHIBUSDT", "binance", "binance:1000SHIB/USDT"),
        ("simulated:BTC/USDT", "binance", "simulated:BTC/USDT"),
    ],
)
def test_every_spelling_becomes_the_unified_name(text: str, venue: str, unified: str) -> None:
    assert str(parse_symbol(text, venue)) == unified


@pytest.mark.parametrize("text", ["", "BTC", "BTC//USDT", "BTC/", "XYZ-PERP", "BTC USDT", "B_123456"])
def test_what_is_no_instrument_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="UNKNOWN_SYMBOL"):
        parse_symbol(text)


def test_the_nearest_known_names_are_named() -> None:
    with pytest.raises(UserError) as caught:
        parse_symbol("BTC.USDT", known=["BTC/USDT", "ETH/USDT"])
    assert caught.value.facts["nearest"].startswith("BTC/USDT")


@pytest.mark.parametrize(
    ("symbol", "spot", "perpetual", "inverse"),
    [("BTC/USDT", True, False, False), ("BTC/USDT:USDT", False, True, False), ("BTC/USD:BTC", False, True, True),
     ("BTC/USDT:USDT-251226", False, False, False)],
)  # fmt: skip
def test_kinds_of_instruments(symbol: str, *, spot: bool, perpetual: bool, inverse: bool) -> None:
    instrument = parse_symbol(symbol)
    assert (instrument.is_spot, instrument.is_perpetual, instrument.is_inverse) == (spot, perpetual, inverse)
    assert instrument.symbol == symbol


def test_events_are_frozen_values() -> None:
    instrument = Instrument("binance", "BTC", "USDT")
    trade = Trade(instrument, 1, 2, 3, 4.0, 5.0, buyer_is_maker=True)
    assert trade == Trade(instrument, 1, 2, 3, 4.0, 5.0, buyer_is_maker=True)
    with pytest.raises(AttributeError):
        Candle(0, 1, 1.0, 1.0, 1.0, 1.0, 0.0).open = 2.0  # type: ignore[misc]
