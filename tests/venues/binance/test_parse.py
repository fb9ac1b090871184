import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.domain.errors import DataError
from tallow.domain.timeframes import DAY, HOUR
from tallow.venues.binance.parse import (
    excerpt,
    read_aggtrades,
    read_funding,
    read_klines,
    read_refusal,
    read_rules,
    read_server_time,
)

ROW = [1_600_000_020_000, "1.5", "2.0", "1.0", "1.8", "10", 1_600_000_079_999, "17.5", 3, "4", "7.0", "0"]


def page(*rows):
    return json.dumps(rows).encode()


def changed(column, value):
    return [value if i == column else cell for i, cell in enumerate(ROW)]


def test_a_candle_is_read_column_by_column():
    klines = read_klines(page(ROW))
    bars = klines.bars
    assert (bars.time[0], klines.close_time[0]) == (1_600_000_020_000_000, 1_600_000_080_000_000)
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0]) == (1.5, 2.0, 1.0, 1.8)
    assert (bars.volume[0], bars.quote_volume[0], bars.trades[0]) == (10.0, 17.5, 3.0)
    assert (bars.taker_buy_volume[0], bars.taker_buy_quote_volume[0]) == (4.0, 7.0)


def test_microseconds_are_told_by_their_size():
    micro = read_klines(page([*changed(0, 1_735_689_600_000_000)[:6], 1_735_693_199_999_999, *ROW[7:]]))
    assert (micro.bars.time[0], micro.close_time[0]) == (1_735_689_600_000_000, 1_735_693_200_000_000)


def test_contracts_become_base_and_quote_amounts():
    # COIN-M: column 5 and 9 count contracts of 100 USD, columns 7 and 10 are base amounts.
    bars = read_klines(page(ROW), contract_size=100.0).bars
    assert (bars.volume[0], bars.quote_volume[0]) == (17.5, 1000.0)
    assert (bars.taker_buy_volume[0], bars.taker_buy_quote_volume[0]) == (7.0, 400.0)
    trade = page({"a": 1, "p": "50000", "q": "10", "T": ROW[0], "m": True})
    assert read_aggtrades(trade, 0, contract_size=100.0).ticks.quantity[0] == 10 * 100 / 50_000


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (changed(4, "NaN"), "NOT_FINITE"),
        (changed(2, "Infinity"), "NOT_FINITE"),
        (changed(0, 0), "BAD_TIME"),
        (changed(6, ROW[0] - 1), "BAD_TIME"),
        (changed(6, 9 * 10**15), "BAD_TIME"),
        (changed(1, "1e999"), "UNREADABLE_ROW"),
        (changed(1, "abc"), "UNREADABLE_ROW"),
        (changed(1, None), "UNREADABLE_ROW"),
        (changed(0, -(2**62)), "BAD_TIME"),
        (ROW[:5], "UNREADABLE_ROW"),
        ({"a": 1}, "UNREADABLE_ROW"),
    ],
)
def test_a_bad_row_is_set_aside_and_the_rest_is_kept(row, reason):
    klines = read_klines(page(ROW, row, ROW))
    assert len(klines.bars) == 2
    assert [(item.row, item.reason) for item in klines.rejected] == [(1, reason)]
    assert klines.rejected[0].record


def test_places_of_bad_rows_count_from_the_start_of_the_page():
    klines = read_klines(page(ROW[:2], ROW, changed(3, "NaN"), changed(1, "x"), ROW))
    assert [(item.row, item.reason) for item in klines.rejected] == [
        (0, "UNREADABLE_ROW"),
        (2, "NOT_FINITE"),
        (3, "UNREADABLE_ROW"),
    ]


@pytest.mark.parametrize(
    "read", [read_klines, lambda c: read_aggtrades(c, 0), read_funding, lambda c: read_rules(c, "v")]
)
@pytest.mark.parametrize(
    "content",
    [b"", b"<html>busy</html>", b"[[1,2", b"\xff\xfe\x00", b"null", b"[" * 100_000, b'"text"', b"17"],
)
def test_what_is_no_page_is_refused_as_a_whole(read, content):
    with pytest.raises(DataError) as caught:
        read(content)
    assert caught.value.code == "BAD_PAGE"


def test_an_empty_page_has_no_rows():
    assert len(read_klines(b"[]").bars) == 0
    assert len(read_aggtrades(b"[]", 0).ticks) == 0
    assert len(read_funding(b"[]").rates) == 0


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists, max_leaves=15).map(
        lambda x: json.dumps(x).encode()
    )
)
def test_any_bytes_give_rows_or_a_data_error(content):
    for read in (read_klines, read_funding, lambda c: read_aggtrades(c, 0)):
        try:
            rejected = read(content).rejected
        except DataError as error:
            code = error.code
        else:
            code = "BAD_PAGE" if isinstance(rejected, tuple) else "no tuple"
        assert code == "BAD_PAGE"


def test_trades_keep_id_time_side_and_receipt():
    content = page(
        {"a": 7, "p": "60759.59", "q": "0.5", "f": 1, "l": 2, "T": 1_634_944_096_633, "m": False, "M": True},
        {"a": 8, "p": "NaN", "q": "0.5", "T": 1_634_944_096_633, "m": False},
        {"a": -1, "p": "1", "q": "0.5", "T": 1_634_944_096_633, "m": True},
        {"a": 9, "p": "60759.60", "q": "0.1", "T": 1_634_944_096_633, "m": True},
    )
    found = read_aggtrades(content, 99)
    assert found.ticks.trade_id.tolist() == [7, 9]
    assert found.ticks.event_time.tolist() == [1_634_944_096_633_000] * 2
    assert found.ticks.received_time.tolist() == [99, 99]
    assert found.ticks.price.tolist() == [60_759.59, 60_759.6]
    assert found.ticks.buyer_is_maker.tolist() == [False, True]
    assert [(item.row, item.reason) for item in found.rejected] == [(1, "NOT_FINITE"), (2, "BAD_TIME")]


def test_funding_may_be_negative_and_keeps_its_milliseconds():
    content = page(
        {"symbol": "BTCUSDT", "fundingRate": "-0.0375", "fundingTime": 1_570_608_000_017},
        {"symbol": "BTCUSDT", "fundingRate": "NaN", "fundingTime": 1_570_636_800_000},
        {"symbol": "BTCUSDT", "fundingRate": "0.1", "fundingTime": 0},
    )
    found = read_funding(content)
    assert (found.rates.time.tolist(), found.rates.rate.tolist()) == ([1_570_608_000_017_000], [-0.0375])
    assert [item.reason for item in found.rejected] == ["NOT_FINITE", "BAD_TIME"]


def test_rules_tell_spot_perpetual_dated_and_inverse_apart():
    def symbol(name, margin="", **more):
        return {"symbol": name, "baseAsset": "BTC", "quoteAsset": name[3:7].rstrip("_"), "marginAsset": margin} | more

    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001"},
        {"filterType": "MIN_NOTIONAL", "notional": "5"},
    ]
    rules = read_rules(
        json.dumps(
            {
                "symbols": [
                    symbol("BTCUSDT", status="TRADING", filters=filters),
                    symbol("BTCUSDT", "USDT", status="TRADING", filters=[]),
                    symbol("BTCUSDT_251226", "USDT", status="PENDING_TRADING", filters=[{"filterType": "LOT_SIZE"}]),
                    symbol("BTCUSD_PERP", "BTC", contractStatus="TRADING", contractSize=100, filters=[]),
                ]
            }
        ).encode(),
        "binance",
    )
    names = [rule.instrument.symbol for rule in rules.rules]
    assert names == ["BTC/USDT", "BTC/USDT:USDT", "BTC/USDT:USDT-251226", "BTC/USD:BTC"]
    assert (rules.rules[0].tick_size, rules.rules[0].lot_size, rules.rules[0].min_notional) == (0.1, 0.001, 5.0)
    assert np.isnan([rules.rules[1].tick_size, rules.rules[2].lot_size, rules.rules[3].min_notional]).all()
    assert [rule.status for rule in rules.rules] == ["TRADING", "TRADING", "PENDING_TRADING", "TRADING"]
    assert rules.contract_sizes == {"BTCUSD_PERP": 100.0}


def test_server_time_and_refusals():
    assert read_server_time(b'{"serverTime":1634943780000}') == 1_634_943_780_000_000
    with pytest.raises(DataError):
        read_server_time(b"{}")
    assert read_refusal(b'{"code":-1121,"msg":"Invalid symbol."}') == (-1121, "Invalid symbol.")
    assert read_refusal(b"<html>\n no </html>") == (0, "<html> no </html>")
    assert excerpt(b"a\n\tb" * 100, 6) == "a ba b"


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "rows", "gaps", "cut"),
    [("BTCUSDT-1h", 30_647, 1, 1), ("ETHUSDT-4h", 17_233, 8, None), ("XRPUSDT-1d", 2_799, 0, 0)],
)
def test_recorded_pages_are_read_without_loss(shared_data, name, rows, gaps, cut):
    step = {"1h": HOUR, "4h": 4 * HOUR, "1d": DAY}[name.split("-")[1]]
    with zipfile.ZipFile(shared_data / f"binance/spot/rest-klines/{name}-pages.zip") as archive:
        pages = [read_klines(archive.read(member)) for member in sorted(archive.namelist())]
    time = np.concatenate([klines.bars.time for klines in pages])
    close = np.concatenate([klines.close_time for klines in pages])
    time, first = np.unique(time, return_index=True)
    assert not any(klines.rejected for klines in pages)
    assert (len(time), int((np.diff(time) > step).sum())) == (rows, gaps)
    early = close[first] < time + step
    assert cut is None or int(early.sum()) == cut
    assert (close[first] <= time + step).all()


@pytest.mark.shared
def test_recorded_answers_are_read(shared_data):
    folder = shared_data / "binance/rest-samples"
    spot = read_klines((folder / "http_spot_market_klines.json").read_bytes())
    assert (len(spot.rejected), spot.bars.trades[0], spot.bars.close[0]) == (0, 617.0, 60_719.27)
    trades = read_aggtrades((folder / "http_spot_market_agg_trades.json").read_bytes(), 1).ticks
    assert np.diff(trades.trade_id).tolist() == [1] * 9
    assert len(read_aggtrades((folder / "http_futures_market_agg_trades.json").read_bytes(), 1).ticks) == 1
    funding = read_funding((folder / "http_futures_market_funding_rate.json").read_bytes())
    assert funding.rates.rate.tolist() == [-0.0375, 0.0001]
    rules = read_rules((folder / "http_futures_market_exchange_info.json").read_bytes(), "binance").rules
    assert [rule.instrument.symbol for rule in rules] == ["BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT:USDT-220325"]
    assert (rules[0].tick_size, rules[0].lot_size, rules[0].min_notional) == (0.1, 0.001, 10.0)
    assert (
        read_rules((folder / "http_spot_market_exchange_info.json").read_bytes(), "binance").rules[0].tick_size == 0.01
    )
    assert read_server_time((folder / "http_spot_market_time.json").read_bytes()) > 0
