import numpy as np
import pytest

from tallow.domain.errors import UserError
from tallow.domain.ranges import TimeRange, parse_time
from tallow.domain.timeframes import DAY, HOUR, MINUTE, parse_timeframe
from tallow.venues.simulated.market import Halt, Market, usual_halts


def returns(bars):
    return np.diff(np.log(bars.close))


def autocorrelation(values, lag):
    centred = values - values.mean()
    return float((centred[:-lag] * centred[lag:]).mean() / (centred * centred).mean())


@pytest.mark.parametrize("frame", ["1m", "5m", "1h", "4h", "1d", "1w"])
@pytest.mark.parametrize("symbol", ["BTC/USDT", "ETH/USDT"])
def test_candles_are_the_aggregation_of_trades(market, frame, symbol):
    bars, ticks = market.candles(symbol, frame), market.trades(symbol)
    closes = bars.time + parse_timeframe(frame).microseconds
    previous = np.searchsorted(ticks.event_time, bars.time)
    assert len(bars) > 0
    for row, (low, high) in enumerate(zip(previous, np.searchsorted(ticks.event_time, closes), strict=True)):
        own = ticks[low:high]
        assert bars.trades[row] == len(own)
        if len(own) == 0:
            last = ticks.price[low - 1] if low else market.traits(symbol).price
            assert bars.open[row] == bars.high[row] == bars.low[row] == bars.close[row] == last
            assert bars.volume[row] == 0.0
            continue
        assert (bars.open[row], bars.close[row]) == (own.price[0], own.price[-1])
        assert (bars.high[row], bars.low[row]) == (own.price.max(), own.price.min())
        bought, value = ~own.buyer_is_maker, own.price * own.quantity
        assert bars.volume[row] == pytest.approx(own.quantity.sum(), rel=1e-9)
        assert bars.quote_volume[row] == pytest.approx(value.sum(), rel=1e-9)
        assert bars.taker_buy_volume[row] == pytest.approx(own.quantity[bought].sum(), rel=1e-9)
        assert bars.taker_buy_quote_volume[row] == pytest.approx(value[bought].sum(), rel=1e-9)


def test_trades_have_consecutive_ids_ascending_times_and_lie_on_the_grid(market):
    ticks = market.trades("BTC/USDT")
    assert (np.diff(ticks.trade_id) == 1).all()
    assert (np.diff(ticks.event_time) >= 0).all()
    assert (np.diff(ticks.event_time) == 0).any()
    assert (ticks.event_time % 1_000 == 0).all()
    assert np.array_equal(np.round(ticks.price, 2), ticks.price)
    assert np.array_equal(np.round(ticks.quantity, 5), ticks.quantity)
    assert (ticks.quantity > 0).all()


@pytest.mark.parametrize("symbol", ["BTC/USDT", "ETH/USDT"])
def test_returns_have_heavy_tails_and_clustered_volatility(quarter, symbol):
    for frame in ("1m", "1h"):
        r = returns(quarter.candles(symbol, frame))
        z = (r - r.mean()) / r.std()
        assert (z**4).mean() > 3.5
        assert autocorrelation(np.abs(r), 1) > 0.1
        assert abs(autocorrelation(r, 1)) < 0.15
    assert abs(autocorrelation(returns(quarter.candles(symbol, "1h")), 1)) < 0.12


def test_assets_move_together(quarter):
    btc, eth = (returns(quarter.candles(symbol, "1h")) for symbol in ("BTC/USDT", "ETH/USDT"))
    assert 0.3 < np.corrcoef(btc, eth)[0, 1] < 0.8


def test_order_flow_is_bursty_persistent_and_heavy_tailed(quarter):
    ticks = quarter.trades("BTC/USDT", TimeRange(quarter.span.start, quarter.span.start + 30 * DAY))
    side = np.where(ticks.buyer_is_maker, -1.0, 1.0)
    assert autocorrelation(side, 1) > 0.3
    assert abs(side.mean()) < 0.1
    seconds = np.bincount((ticks.event_time - ticks.event_time[0]) // 10_000_000)
    assert seconds.var() / seconds.mean() > 1.5  # 1 for arrivals without memory
    assert np.quantile(ticks.quantity, 0.999) > 50 * np.median(ticks.quantity)


def test_whales_move_the_price_which_comes_back_in_part(quarter):
    ticks = quarter.trades("BTC/USDT")
    whale = np.flatnonzero(ticks.quantity > np.quantile(ticks.quantity, 0.998))
    whale = whale[(whale > 1) & (whale < len(ticks) - 400)]
    side = np.where(ticks.buyer_is_maker[whale], -1.0, 1.0)
    before = ticks.price[whale - 1]
    after = np.searchsorted(ticks.event_time, ticks.event_time[whale] + 120_000_000)
    kept = after < len(ticks)
    at_once = (side * (ticks.price[whale] / before - 1))[kept].mean()
    peak = (side * (ticks.price[np.minimum(whale + 2, len(ticks) - 1)] / before - 1))[kept].mean()
    later = (side[kept] * (ticks.price[after[kept]] / before[kept] - 1)).mean()
    assert at_once > 0
    assert 0.0 < later < peak


def test_the_same_arguments_are_the_same_market():
    def bars(seed=4, symbols=("BTC/USDT",), days=3):
        return Market(seed, symbols, "2024-05-01", days, 300.0).candles("BTC/USDT", "1m")

    assert np.array_equal(bars().close, bars().close)
    assert np.array_equal(bars(symbols=("ETH/USDT", "BTC/USDT")).close, bars().close)
    assert np.array_equal(bars(days=5).close[: 3 * 1440], bars().close)
    assert not np.array_equal(bars(5).close, bars().close)


def test_a_perpetual_trades_like_its_spot(market):
    spot, perpetual = market.trades("BTC/USDT"), market.trades("BTC/USDT:USDT")
    assert np.array_equal(spot.price, perpetual.price)


def test_spans_cut_candles_and_trades(market):
    span = TimeRange(market.span.start + HOUR + 1, market.span.start + 4 * HOUR)
    assert market.candles("BTC/USDT", "1h", span).time.tolist() == [market.span.start + i * HOUR for i in (2, 3)]
    whole = market.trades("BTC/USDT")
    part = market.trades("BTC/USDT", span)
    inside = (whole.event_time >= span.start) & (whole.event_time < span.end)
    assert np.array_equal(part.trade_id, whole.trade_id[inside])
    outside = TimeRange(0, DAY)
    assert len(market.trades("BTC/USDT", outside)) == len(market.candles("BTC/USDT", "1h", outside)) == 0
    last = market.candles("BTC/USDT", "1h", TimeRange(market.span.end - HOUR, market.span.end + DAY))
    assert last.time.tolist() == [market.span.end - HOUR]


@pytest.mark.parametrize(("first", "count"), [(1, 5), (777, 1_000), (0, 3), (10**9, 5)])
def test_trades_from_an_id(market, first, count):
    whole = market.trades("ETH/USDT")
    got = market.trades_from("ETH/USDT", first, count)
    expected = whole[np.flatnonzero(whole.trade_id >= first)[:count]]
    if first == 0:
        expected = whole[:count]
    assert got.trade_id.tolist() == expected.trade_id.tolist()


def test_outages_leave_holes_an_empty_candle_and_a_cut_one():
    start = parse_time("2024-05-01")
    halts = (
        Halt(TimeRange(start + 3 * HOUR + 39 * MINUTE, start + 6 * HOUR)),
        Halt(TimeRange(start + 10 * HOUR, start + 11 * HOUR), published=True),
    )
    market = Market(1, ["BTC/USDT"], start, 1, 2_000.0, halts)
    bars = market.candles("BTC/USDT", "1h")
    hours = ((bars.time - start) // HOUR).tolist()
    assert hours == [0, 1, 2, 3, *range(6, 24)]
    closes = market.close_times("1h", bars.time)
    assert closes[3] == start + 3 * HOUR + 39 * MINUTE
    assert (np.delete(closes - bars.time, 3) == HOUR).all()
    empty = hours.index(10)
    assert (bars.volume[empty], bars.trades[empty]) == (0.0, 0.0)
    assert bars.open[empty] == bars.close[empty - 1]
    ticks = market.trades("BTC/USDT")
    for halt in halts:
        assert not ((ticks.event_time >= halt.span.start) & (ticks.event_time < halt.span.end)).any()


def test_the_usual_outages_lie_inside_the_market():
    start = parse_time("2024-05-01")
    for days in (12, 30, 365):
        halts = usual_halts(start, days)
        assert [halt.published for halt in halts] == [False, True, False]
        assert all(start < h.span.start < h.span.end < start + days * DAY for h in halts)


def test_funding_comes_every_eight_hours_a_little_late(market):
    rates = market.funding("BTC/USDT:USDT")
    assert len(rates) == 36
    late = (rates.time - market.span.start) % (8 * HOUR)
    assert (late < 20_000).all()
    assert (np.abs(rates.rate) <= 0.0005).all()
    with pytest.raises(UserError) as caught:
        market.funding("BTC/USDT")
    assert caught.value.code == "NO_FUNDING"


def test_rules_state_the_grid(market):
    rules = {rule.instrument.symbol: rule for rule in market.rules()}
    assert list(rules) == ["BTC/USDT", "ETH/USDT", "BTC/USDT:USDT"]
    assert (rules["ETH/USDT"].tick_size, rules["ETH/USDT"].lot_size) == (0.01, 0.0001)
    assert market.traits("ethusdt").lot_digits == 4


@pytest.mark.parametrize(
    "arguments", [{"days": 0}, {"start": "2024-01-01T01:00Z"}, {"seed": -1}, {"trades_per_day": 0.0}]
)
def test_a_market_that_cannot_be_is_refused(arguments):
    with pytest.raises(UserError) as caught:
        Market(**arguments)
    assert caught.value.code == "BAD_MARKET"


def test_unknown_symbols_and_lengths_are_refused(market):
    with pytest.raises(UserError, match="has no DOGE/USDT") as caught:
        market.candles("DOGE/USDT", "1h")
    assert caught.value.code == "UNKNOWN_SYMBOL"
    with pytest.raises(UserError, match="no 1s candles"):
        market.candles("BTC/USDT", "1s")
