import pytest

from tallow.domain.errors import UserError
from tallow.domain.market import parse_symbol
from tallow.domain.timeframes import parse_timeframe
from tallow.venues.binance.markets import APIS, api_of, venue_symbol


@pytest.mark.parametrize(
    ("symbol", "api", "spelling"),
    [
        ("BTC/USDT", "spot", "BTCUSDT"),
        ("ETH/BTC", "spot", "ETHBTC"),
        ("BTC/USDT:USDT", "usdm", "BTCUSDT"),
        ("BTC/USDT:USDT-251226", "usdm", "BTCUSDT_251226"),
        ("BTC/USD:BTC", "coinm", "BTCUSD_PERP"),
        ("BTC/USD:BTC-251226", "coinm", "BTCUSD_251226"),
    ],
)
def test_each_instrument_has_its_interface_and_spelling(symbol, api, spelling):
    instrument = parse_symbol(symbol)
    assert (api_of(instrument).name, venue_symbol(instrument)) == (api, spelling)


@pytest.mark.parametrize(("limit", "weight"), [(1, 1), (99, 1), (100, 2), (499, 2), (500, 5), (1000, 5), (1500, 10)])
def test_futures_candles_weigh_by_their_number(limit, weight):
    assert APIS["usdm"].candles_weight(limit) == weight
    assert APIS["spot"].candles_weight(limit) == 2


def test_an_interval_the_interface_lacks_is_named_with_the_valid_ones():
    APIS["spot"].check_interval(parse_timeframe("1s"))
    with pytest.raises(UserError, match="no 1s candles") as caught:
        APIS["usdm"].check_interval(parse_timeframe("1s"))
    assert caught.value.code == "BAD_TIMEFRAME"
    assert "1M" in caught.value.facts["valid"]
