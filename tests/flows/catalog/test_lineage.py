"""From a gold candle back to the bytes it was read from."""

import pytest

from tallow.domain.errors import UserError
from tallow.flows.catalog import lineage
from tallow.flows.ingest import ingest
from tallow.flows.ingest.bronze import digest
from tallow.flows.refine import refine

HOUR = 3_600_000_000
START = 1_704_067_200_000_000
BTC = {"venue": "binance", "symbol": "BTC/USDT", "timeframe": "4h"}


def test_a_made_candle_goes_back_to_its_payloads(lake, candle_page):
    first, second = candle_page(range(6)), candle_page(range(6, 12), source="b")
    ingest([first], lake, job="one")
    ingest([second, candle_page([0], "ETH/USDT")], lake, job="two")
    refine(lake, timeframes=("4h",))
    graph = lineage(lake, "gold.candles", BTC)
    assert graph.select("depth", "table", "timeframe", "job").rows() == [
        (0, "gold.candles", "4h", "refine gold"),
        (1, "silver.candles", "1h", "refine silver"),
        (2, "bronze.candles", "1h", "one"),
        (2, "bronze.candles", "1h", "two"),
        (3, "raw.payloads", "1h", ""),
        (3, "raw.payloads", "1h", ""),
    ]
    assert set(graph["payload"].drop_nulls()) == {digest(page.payload.content) for page in (first, second)}
    one = lineage(lake, "gold.candles", BTC, at=START + 9 * HOUR + 5)
    assert one["payload"].drop_nulls().to_list() == [digest(second.payload.content)]
    assert one["source"].drop_nulls().to_list() == ["b.json"]
    assert "one" not in one["job"].to_list()


def test_trades_lead_to_their_payloads_too(lake, trade_page):
    ingest([trade_page(range(200))], lake)
    refine(lake)
    graph = lineage(lake, "gold.candles", at=START + 90_000_000)
    assert graph["table"].to_list() == ["gold.candles", "silver.trades", "bronze.trades", "raw.payloads"]
    assert len(lineage(lake, "raw.payloads")) == 1


@pytest.mark.parametrize(
    ("table", "where", "at", "code"),
    [
        ("gold.candle", None, None, "UNKNOWN_TABLE"),
        ("gold.candles", {"symbol": "XRP/USDT"}, None, "NO_DATA"),
        ("gold.candles", None, START - HOUR, "NO_DATA"),
    ],
)
def test_what_cannot_be_followed_is_said(lake, candle_page, table, where, at, code):
    ingest([candle_page([0])], lake)
    refine(lake)
    with pytest.raises(UserError) as caught:
        lineage(lake, table, where, at)
    assert caught.value.code == code
