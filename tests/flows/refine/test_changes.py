"""What lineage tells."""

from tallow.domain.ranges import EVERYTHING
from tallow.domain.tables import BRONZE_CANDLES, SILVER_CANDLES
from tallow.flows.ingest import ingest
from tallow.flows.refine.changes import Changes

START = 1_704_067_200_000_000
HOUR = 3_600_000_000
BTC = {"venue": "binance", "symbol": "BTC/USDT", "timeframe": "1h"}


def test_series_versions_spans_and_rows(lake, candle_page):
    ingest([candle_page([0, 1])], lake)
    ingest([candle_page([1, 5]), candle_page([0], "ETH/USDT")], lake)
    changes = Changes(lake)
    assert [one["symbol"] for one in changes.series(BRONZE_CANDLES, {})] == ["BTC/USDT", "ETH/USDT"]
    assert changes.series(BRONZE_CANDLES, {"symbol": "BTC/USDT"}) == [BTC]
    assert changes.version(BRONZE_CANDLES, BTC) == 2
    assert changes.version(SILVER_CANDLES, BTC) == 0
    assert changes.inputs(SILVER_CANDLES, BTC) == {}
    assert changes.inputs(BRONZE_CANDLES, BTC) == {"raw.payloads": 2}
    [span] = changes.spans(BRONZE_CANDLES, BTC, 1)
    assert (span.start, span.end) == (START + HOUR, START + 5 * HOUR + 1)
    assert changes.rows(BRONZE_CANDLES, BTC, 0) == 4


def test_a_write_of_another_engine_touches_everything(lake, candle_page):
    from deltalake import write_deltalake

    ingest([candle_page([0])], lake)
    write_deltalake(lake.location(BRONZE_CANDLES), lake.read(BRONZE_CANDLES), mode="append")
    with type(lake)(lake.path, lake._clock).exclusive():
        pass
    changes = Changes(lake)
    assert changes.spans(BRONZE_CANDLES, BTC, 1) == [EVERYTHING]
    assert changes.series(BRONZE_CANDLES, {"symbol": "BTC/USDT"}) == [BTC]
