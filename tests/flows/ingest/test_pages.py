"""Pages become payloads and bronze rows, once, whatever interrupts."""

import polars as pl
import pytest

from tallow.domain.errors import TransientError
from tallow.domain.tables import (
    BRONZE_CANDLES,
    BRONZE_FUNDING,
    BRONZE_INSTRUMENTS,
    BRONZE_TRADES,
    META_LINEAGE,
    META_QUARANTINE,
    RAW_PAYLOADS,
)
from tallow.flows.ingest import Interrupted, ingest, pages
from tallow.flows.ingest.bronze import digest
from tallow.ports import Rejected
from tallow.stores.lake import DeltaLake

START = 1_704_067_200_000_000


def test_payload_and_rows_arrive_with_their_places(lake, candle_page):
    page = candle_page([0, 1, 2], rejected=(Rejected(1, "NOT_A_NUMBER", '["x"]'),))
    report = ingest([page], lake, job="file")
    raw = lake.read(RAW_PAYLOADS).row(0, named=True)
    assert (raw["payload"], raw["content"], raw["source"]) == (
        digest(page.payload.content),
        page.payload.content,
        "a.json",
    )
    assert (raw["kind"], raw["format"], raw["size"]) == ("candles", "test", len(page.payload.content))
    rows = lake.read(BRONZE_CANDLES)
    assert rows["row"].to_list() == [0, 2, 3]
    assert rows["payload"].unique().to_list() == [raw["payload"]]
    kept_out = lake.read(META_QUARANTINE).row(0, named=True)
    assert (kept_out["table_name"], kept_out["reason"], kept_out["row"]) == ("bronze.candles", "NOT_A_NUMBER", 1)
    assert (kept_out["record"], kept_out["time"]) == ('"[\\"x\\"]"', None)
    series = report.series[0]
    assert (series.seen, series.new, series.rejected) == (3, 3, 1)
    assert (series.start, series.end) == (START, START + 2 * 3_600_000_000)
    assert (report.payloads_seen, report.payloads_new, report.rows_new, report.rejected) == (1, 1, 3, 1)


def test_every_kind_has_its_table(lake, candle_page, trade_page, funding_page, rules_page):
    report = ingest([candle_page([0]), trade_page([1, 2]), funding_page([0, 8]), rules_page], lake)
    tables = (BRONZE_CANDLES, BRONZE_TRADES, BRONZE_FUNDING, BRONZE_INSTRUMENTS)
    assert [len(lake.read(table)) for table in tables] == [1, 2, 2, 2]
    assert {one.table: one.new for one in report.series} == {
        "bronze.candles": 1, "bronze.funding": 2, "bronze.instruments": 2, "bronze.trades": 2,
    }  # fmt: skip
    rules = lake.read(BRONZE_INSTRUMENTS)
    assert rules["symbol"].to_list() == ["BTC/USDT", "ETH/USDT"]
    assert rules["min_notional"].to_list() == [None, None]


def test_running_again_writes_nothing(lake, candle_page, trade_page, funding_page, rules_page, versions):
    everything = [
        candle_page(range(5), rejected=(Rejected(9, "X", ""),)), trade_page([1]), funding_page([0]), rules_page,
    ]  # fmt: skip
    ingest(everything, lake)
    before = versions(lake)
    again = ingest(everything, lake)
    assert versions(lake) == before
    assert (again.payloads_seen, again.payloads_new, again.rows_seen, again.rows_new) == (4, 0, 9, 0)


def test_the_close_a_venue_states_is_kept(lake, candle_page):
    ingest([candle_page([0, 1], closes=[START + 5, START + 7]), candle_page([2])], lake)
    assert lake.read(BRONZE_CANDLES)["close_time"].to_physical().to_list() == [START + 5, START + 7, None]


def test_pages_of_one_payload_number_on(lake, candle_page):
    first = candle_page([0, 1])
    second = candle_page([2, 3])
    third = candle_page([0], "ETH/USDT")
    parts = [
        type(page)(first.payload, page.kind, page.instrument, page.rows, page.timeframe) for page in (second, third)
    ]
    report = ingest([first, *parts], lake)
    assert lake.read(BRONZE_CANDLES, {"symbol": "BTC/USDT"})["row"].to_list() == [0, 1, 2, 3]
    assert lake.read(BRONZE_CANDLES, {"symbol": "ETH/USDT"})["row"].to_list() == [0]
    assert (report.payloads_seen, len(lake.read(RAW_PAYLOADS))) == (1, 1)


def test_batches_keep_memory_bounded_and_the_result_the_same(lake, candle_page, monkeypatch):
    monkeypatch.setattr(pages, "BATCH_ROWS", 10)
    report = ingest([candle_page(range(at, at + 4), source=str(at)) for at in range(0, 40, 4)], lake)
    assert len(lake.read(BRONZE_CANDLES)) == 40
    assert lake.version(BRONZE_CANDLES) == 4
    assert report.rows_new == 40


@pytest.mark.parametrize(("limit", "value"), [("BATCH_BYTES", 1), ("BATCH_PAGES", 1)])
def test_bytes_and_pages_end_a_batch_too(lake, candle_page, monkeypatch, limit, value):
    monkeypatch.setattr(pages, limit, value)
    ingest([candle_page([0]), candle_page([1], source="b")], lake)
    assert lake.version(BRONZE_CANDLES) == 2


def test_ctrl_c_keeps_what_came_and_says_so(lake, candle_page, failing):
    with pytest.raises(Interrupted) as caught:
        ingest(failing([candle_page([0, 1])], KeyboardInterrupt()), lake)
    assert isinstance(caught.value, KeyboardInterrupt)
    assert caught.value.report.interrupted
    assert caught.value.report.rows_new == 2
    assert len(lake.read(BRONZE_CANDLES)) == 2


def test_a_failing_feed_keeps_what_came(lake, candle_page, failing):
    with pytest.raises(TransientError, match="gone"):
        ingest(failing([candle_page([0])], TransientError("OFFLINE", "gone")), lake)
    assert len(lake.read(BRONZE_CANDLES)) == 1


def test_a_kill_between_payload_and_rows_is_made_good(lake, candle_page, monkeypatch):
    class Killed(BaseException):
        pass

    write = DeltaLake.write

    def dying(self, table, rows, origin):
        if table == BRONZE_CANDLES:
            raise Killed
        return write(self, table, rows, origin)

    monkeypatch.setattr(DeltaLake, "write", dying)
    with pytest.raises(Killed):
        ingest([candle_page([0, 1])], lake)
    monkeypatch.undo()
    assert (len(lake.read(RAW_PAYLOADS)), len(lake.read(BRONZE_CANDLES))) == (1, 0)
    assert ingest([candle_page([0, 1])], lake).rows_new == 2


def test_lineage_names_the_job_and_the_payloads(lake, candle_page):
    ingest([candle_page([0])], lake, job="ingest mine")
    row = lake.read(META_LINEAGE, {"table_name": "bronze.candles"}).row(0, named=True)
    assert (row["job"], row["inputs"]) == ("ingest mine", '{"raw.payloads":1}')


def test_progress_tells_rows(lake, candle_page):
    told = []
    ingest([candle_page([0, 1]), candle_page([2])], lake, job="j", progress=lambda *step: told.append(step), expected=3)
    assert told == [("j", 2, 3), ("j", 3, 3)]


def test_nothing_to_read_is_nothing_done(lake):
    report = ingest([], lake)
    assert (report.series, report.rows_seen, report.payloads_seen) == ((), 0, 0)


def test_reports_add_up(lake, candle_page):
    first = ingest([candle_page([0])], lake)
    second = ingest([candle_page([1]), candle_page([0], "ETH/USDT")], lake)
    both = first + second
    assert [(one.symbol, one.seen, one.new) for one in both.series] == [("BTC/USDT", 2, 2), ("ETH/USDT", 1, 1)]
    assert both.series[0].end == START + 3_600_000_000


def test_a_page_without_rows_still_leaves_its_payload(lake, candle_page):
    report = ingest([candle_page([])], lake)
    assert (report.rows_seen, report.payloads_new) == (0, 1)
    assert report.series[0].start is None
    assert lake.read(BRONZE_CANDLES).is_empty()
    assert isinstance(lake.read(RAW_PAYLOADS), pl.DataFrame)
