"""Bronze becomes silver and gold: the same whatever the order, and nothing when nothing moved."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.domain.errors import TransientError, UserError
from tallow.domain.tables import (
    GOLD_CANDLES,
    META_GAPS,
    META_LINEAGE,
    META_QUARANTINE,
    SILVER_CANDLES,
    SILVER_FUNDING,
    SILVER_TRADES,
)
from tallow.flows.ingest import ingest
from tallow.flows.refine import gold, refine
from tallow.stores.lake import DeltaLake

HOUR = 3_600_000_000
MINUTE = 60_000_000
START = 1_704_067_200_000_000
LATER = START + 2_000 * 24 * HOUR
RESULTS = (SILVER_CANDLES, SILVER_TRADES, SILVER_FUNDING, GOLD_CANDLES, META_GAPS, META_QUARANTINE)


def contents(lake):
    return {table.full_name: lake.read(table) for table in RESULTS}


def assert_same(left, right):
    first, second = contents(left), contents(right)
    for name in first:
        assert first[name].equals(second[name]), name


def hours(frame):
    return [(time - START) // HOUR for time in frame["time"].to_physical().to_list()]


def test_native_candles_reach_gold_as_they_are(lake, candle_page):
    ingest([candle_page([0, 1, 2])], lake)
    report = refine(lake)
    rows = lake.read(GOLD_CANDLES)
    assert rows["origin"].unique().to_list() == ["native"]
    assert rows.drop("origin").equals(lake.read(SILVER_CANDLES).drop("payload"))
    assert [(step.table, step.added, step.pending) for step in report.steps] == [
        ("silver.candles", 3, 3), ("gold.candles", 3, 3),
    ]  # fmt: skip
    assert report.added == 6


def test_refining_again_writes_nothing(lake, candle_page, trade_page, funding_page, versions):
    ingest([candle_page([0, 1, 5]), trade_page([1, 60, 150]), funding_page([0, 8])], lake)
    refine(lake, timeframes=("4h",))
    before = versions(lake)
    again = refine(lake, timeframes=("4h",))
    assert again.added == 0
    assert {step.timeframe for step in again.steps} <= {"4h"}
    assert versions(lake) == before


def test_rows_that_change_nothing_are_looked_at_and_written_nowhere(lake, candle_page, versions):
    ingest([candle_page([0, 1])], lake)
    refine(lake)
    ingest([candle_page([0, 1], source="same", received=LATER)], lake)
    before = versions(lake)
    [step] = refine(lake).steps
    assert (step.table, step.pending, step.added, step.changed) == ("silver.candles", 2, 0, 0)
    assert versions(lake) == before


def test_only_the_series_that_moved_is_refined(lake, candle_page):
    ingest([candle_page([0]), candle_page([0], "ETH/USDT")], lake)
    refine(lake)
    version = lake.version(SILVER_CANDLES, {"symbol": "BTC/USDT"})
    ingest([candle_page([1], "ETH/USDT")], lake)
    report = refine(lake)
    assert {step.symbol for step in report.steps} == {"ETH/USDT"}
    assert lake.version(SILVER_CANDLES, {"symbol": "BTC/USDT"}) == version


def test_gaps_are_recorded_and_close_when_late_data_comes(lake, candle_page):
    ingest([candle_page([0, 1, 5, 6])], lake)
    refine(lake)
    row = lake.read(META_GAPS).row(0, named=True)
    assert (row["table_name"], row["missing"], row["cause"]) == ("silver.candles", 3, "MISSING")
    ingest([candle_page([2, 4])], lake)
    report = refine(lake)
    assert lake.read(META_GAPS)["missing"].to_list() == [1]
    assert [step.gaps for step in report.steps] == [1, 0]
    assert hours(lake.read(GOLD_CANDLES)) == [0, 1, 2, 4, 5, 6]


def test_a_conflict_keeps_what_was_received_first(lake, candle_page):
    first, second = candle_page([0, 1], received=START + 9 * HOUR), candle_page([1, 2], close=50.0, source="b")
    ingest([second], lake)
    refine(lake)
    ingest([first], lake)
    report = refine(lake)
    assert lake.read(SILVER_CANDLES)["close"].to_list() == [101.0, 108.0, 50.0]
    row = lake.read(META_QUARANTINE).row(0, named=True)
    assert (row["table_name"], row["reason"], row["symbol"]) == ("silver.candles", "CONFLICT", "BTC/USDT")
    assert '"close":50.0' in row["record"]
    assert (report.steps[0].changed, report.steps[0].quarantined) == (1, 1)
    assert lake.read(GOLD_CANDLES)["close"].to_list() == [101.0, 108.0, 50.0]


def test_the_same_candle_from_a_source_that_tells_more_wins(lake, candle_page):
    ingest([candle_page([0, 1])], lake)
    refine(lake)
    ingest([candle_page([0], source="rich", known={"quote_volume": 204.0, "trades": 3.0})], lake)
    refine(lake)
    assert lake.read(GOLD_CANDLES)["quote_volume"].to_list() == [204.0, None]
    assert lake.read(META_QUARANTINE).is_empty()


def test_an_unfinished_candle_waits_for_its_finished_self(lake, candle_page):
    ingest([candle_page([0, 1], close=120.0, received=START + HOUR + 5)], lake)
    refine(lake)
    assert hours(lake.read(SILVER_CANDLES)) == [0]
    assert lake.read(META_QUARANTINE)["reason"].to_list() == ["UNFINISHED"]
    ingest([candle_page([1], source="b")], lake)
    refine(lake)
    assert lake.read(SILVER_CANDLES)["close"].to_list() == [120.0, 108.0]


def test_bad_rows_are_kept_apart_with_their_reason(lake, candle_page):
    page = candle_page([0, 1, 2])
    page.rows.low[1] = 500.0
    ingest([page], lake)
    refine(lake)
    assert hours(lake.read(SILVER_CANDLES)) == [0, 2]
    assert lake.read(META_QUARANTINE).select("reason", "row").rows() == [("BAD_OHLC", 1)]
    assert lake.read(META_GAPS)["missing"].to_list() == [1]


def test_truncated_and_empty_candles_are_kept_and_reported(lake, candle_page):
    page = candle_page([0, 1, 2, 3], closes=[START + (h + 1) * HOUR for h in (0, 1, 2)] + [START + 3 * HOUR + 5])
    page.rows.volume[1:3] = 0.0
    ingest([page], lake)
    refine(lake)
    assert len(lake.read(SILVER_CANDLES)) == 4
    assert lake.read(META_GAPS).select("cause", "missing").rows() == [("ZERO_VOLUME", 0), ("TRUNCATED", 0)]
    assert lake.read(META_GAPS)["end"].to_physical()[0] == START + 3 * HOUR


def test_coarser_candles_are_made_on_request_and_kept_up_to_date(lake, candle_page):
    ingest([candle_page(range(1, 10))], lake)
    report = refine(lake, timeframes=("4h", "3h"))
    rows = lake.read(GOLD_CANDLES, {"timeframe": "4h"})
    assert hours(rows) == [4]
    assert rows["origin"].to_list() == ["1h"]
    assert rows["volume"].to_list() == [8.0]
    assert {step.timeframe: step.origin for step in report.steps} == {"1h": "native", "3h": "1h", "4h": "1h"}
    ingest([candle_page([0, 10, 11, 12])], lake)
    refine(lake)
    assert hours(lake.read(GOLD_CANDLES, {"timeframe": "4h"})) == [0, 4, 8]


def test_a_coarse_candle_over_a_hole_is_reported(lake, candle_page):
    ingest([candle_page([0, 1, 2, 4, 5, 12, 13, 14])], lake)
    refine(lake, timeframes=("3h",))
    assert hours(lake.read(GOLD_CANDLES, {"timeframe": "3h"})) == [0, 3, 12]
    gaps = lake.read(META_GAPS, {"table_name": "gold.candles"})
    assert gaps.select("cause", "missing").rows() == [("INCOMPLETE", 1), ("MISSING", 2)]


def test_native_candles_take_the_place_of_made_ones(lake, candle_page):
    ingest([candle_page(range(8))], lake)
    refine(lake, timeframes=("4h",))
    ingest([candle_page([1], timeframe="4h", close=150.0)], lake)
    refine(lake)
    rows = lake.read(GOLD_CANDLES, {"timeframe": "4h"})
    assert rows.select("origin", "close").rows() == [("native", 150.0)]


def test_trades_become_silver_once_and_candles(lake, trade_page):
    ingest([trade_page(range(30, 200)), trade_page(range(100, 400), source="b")], lake)
    report = refine(lake)
    assert lake.read(SILVER_TRADES)["trade_id"].to_list() == list(range(30, 400))
    rows = lake.read(GOLD_CANDLES)
    assert rows["origin"].unique().to_list() == ["trades"]
    assert ((rows["time"].to_physical() - START) // MINUTE).to_list() == [1, 2, 3, 4, 5]
    assert rows["trades"].to_list() == [60.0] * 5
    assert [(step.table, step.added) for step in report.steps] == [("silver.trades", 370), ("gold.candles", 5)]
    assert lake.read(META_QUARANTINE).is_empty()


def test_missing_trade_ids_are_gaps(lake, trade_page):
    ingest([trade_page([1, 2, 3, 7, 8, 9, 10])], lake)
    refine(lake)
    row = lake.read(META_GAPS).row(0, named=True)
    assert (row["table_name"], row["missing"], row["cause"], row["timeframe"]) == ("silver.trades", 3, "TRADE_IDS", "")
    ingest([trade_page([4, 5, 6], source="b")], lake)
    refine(lake)
    assert lake.read(META_GAPS).is_empty()


def test_trades_are_refined_day_by_day(lake, trade_page, monkeypatch):
    monkeypatch.setattr(gold, "CHUNK", 20)
    ingest([trade_page(range(0, 100), step=HOUR)], lake)
    refine(lake, timeframes=("2h", "1w"))
    assert len(lake.read(SILVER_TRADES)) == 100
    assert lake.version(SILVER_TRADES) > 1
    assert lake.read(META_LINEAGE, {"table_name": "silver.trades"})["inputs"].unique(maintain_order=True).to_list() == [
        '{"bronze.trades":0}',
        '{"bronze.trades":1}',
    ]
    days = np.diff(lake.read(GOLD_CANDLES, {"timeframe": "2h"})["time"].to_physical().to_numpy())
    assert set(days.tolist()) == {2 * HOUR}


def test_weeks_are_made_of_trades_through_days(lake, trade_page):
    ingest([trade_page(range(0, 24 * 16), step=HOUR)], lake)
    refine(lake, timeframes=("1w",))
    rows = lake.read(GOLD_CANDLES, {"timeframe": "1w"})
    assert rows["trades"].to_list() == [168.0, 168.0]


def test_funding_is_kept_once(lake, funding_page):
    ingest(
        [funding_page([0, 8]), funding_page([8, 16], source="b"), funding_page([8], 0.5, source="c", received=LATER)],
        lake,
    )
    ingest([funding_page([24], float("nan"), source="d")], lake)
    refine(lake)
    assert lake.read(SILVER_FUNDING)["rate"].to_list() == [0.0001] * 3
    assert lake.read(META_QUARANTINE)["reason"].to_list() == ["CONFLICT", "NOT_FINITE"]


def test_explain_plans_and_writes_nothing(lake, candle_page, versions):
    ingest([candle_page([0, 1, 2, 3])], lake)
    before = versions(lake)
    plan = refine(lake, explain=True)
    assert plan.explained
    assert [(step.table, step.source, step.pending, step.added) for step in plan.steps] == [
        ("silver.candles", "bronze.candles", 4, 0)
    ]
    assert versions(lake) == before
    refine(lake)
    ingest([candle_page([9])], lake)
    [step] = refine(lake, explain=True, layer="silver").steps
    assert [(span.start - START) // HOUR for span in step.spans] == [9]
    [gold_step] = refine(lake, explain=True, layer="gold", timeframes=("2h",)).steps
    assert (gold_step.timeframe, gold_step.origin) == ("2h", "1h")


def test_layer_and_where_narrow_the_work(lake, candle_page):
    ingest([candle_page([0]), candle_page([0], "ETH/USDT"), candle_page([0], timeframe="2h")], lake)
    refine(lake, layer="silver", where={"symbol": "BTC/USDT"})
    assert lake.version(GOLD_CANDLES) is None
    assert lake.read(SILVER_CANDLES)["symbol"].unique().to_list() == ["BTC/USDT"]
    refine(lake, layer="gold", where={"timeframe": "1h"})
    assert lake.read(GOLD_CANDLES)["timeframe"].unique().to_list() == ["1h"]


def test_what_nothing_adds_up_to_is_named(lake, candle_page):
    ingest([candle_page([0], timeframe="4h")], lake)
    assert refine(lake, timeframes=("1h",)).impossible == ("binance:BTC/USDT 1h",)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"layer": "bronze"}, "BAD_LAYER"),
        ({"where": {"pair": "x"}}, "UNKNOWN_COLUMN"),
        ({"timeframes": ("5 minutes",)}, "BAD_TIMEFRAME"),
    ],
)
def test_requests_that_cannot_be_met_are_refused(lake, arguments, code):
    with pytest.raises(UserError) as caught:
        refine(lake, **arguments)
    assert caught.value.code == code


def test_an_empty_lake_has_nothing_to_refine(lake):
    assert refine(lake).steps == ()
    assert refine(lake, explain=True).steps == ()


def test_another_writer_is_busy(lake, clock):
    with DeltaLake(lake.path, clock).exclusive(), pytest.raises(TransientError) as caught:
        refine(lake)
    assert caught.value.code == "BUSY"


def test_progress_counts_series(lake, candle_page):
    ingest([candle_page([0]), candle_page([0], "ETH/USDT")], lake)
    told = []
    refine(lake, layer="silver", progress=lambda *step: told.append(step))
    assert told == [("silver", 0, 2), ("silver", 1, 2), ("silver", 2, 2)]


def test_series_another_engine_wrote_are_refined_too(lake, candle_page):
    from deltalake import write_deltalake

    from tallow.domain.tables import BRONZE_CANDLES

    ingest([candle_page([0])], lake)
    refine(lake)
    foreign = lake.read(BRONZE_CANDLES).with_columns(pl.lit("SOL/USDT").alias("symbol"))
    write_deltalake(lake.location(BRONZE_CANDLES), foreign, mode="append")
    ingest([candle_page([1])], lake)
    refine(lake)
    assert hours(lake.read(SILVER_CANDLES, {"symbol": "SOL/USDT"})) == [0]
    assert hours(lake.read(SILVER_CANDLES, {"symbol": "BTC/USDT"})) == [0, 1]


def test_lineage_records_what_series_were_made_from(lake, candle_page):
    ingest([candle_page(range(4))], lake)
    refine(lake, timeframes=("2h",))
    rows = lake.read(META_LINEAGE, {"table_name": "gold.candles"}).sort("timeframe")
    assert rows["inputs"].to_list() == ['{"origin":"native","silver.candles":1}', '{"origin":"1h","silver.candles":1}']


def test_a_kill_before_the_silver_commit_is_made_good(lake, candle_page, monkeypatch):
    class Killed(BaseException):
        pass

    ingest([candle_page([0, 3])], lake)
    write = DeltaLake.write

    def dying(self, table, rows, origin):
        if table == SILVER_CANDLES:
            raise Killed
        return write(self, table, rows, origin)

    monkeypatch.setattr(DeltaLake, "write", dying)
    with pytest.raises(Killed):
        refine(lake)
    monkeypatch.undo()
    assert len(lake.read(META_GAPS)) == 1
    refine(lake)
    assert (len(lake.read(META_GAPS)), hours(lake.read(GOLD_CANDLES))) == (1, [0, 3])


HOURS = st.lists(st.integers(0, 12), min_size=1, max_size=6, unique=True).map(sorted)
CANDLES = st.tuples(HOURS, st.sampled_from([None, None, 120.0]), st.booleans(), st.integers(20, 22))


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(pages=st.lists(CANDLES, min_size=1, max_size=4), seed=st.randoms(use_true_random=False))
def test_candles_in_any_order_and_any_splits_give_the_same(new_lake, candle_page, pages, seed):
    built = [
        candle_page(hours, close=close, known={"trades": 3.0} if rich else None, received=START + day * 24 * HOUR)
        for hours, close, rich, day in pages
    ]
    whole, split = new_lake(), new_lake()
    ingest(built, whole)
    refine(whole, timeframes=("3h",))
    shuffled = seed.sample(built, len(built))
    for page in shuffled:
        ingest([page], split)
        refine(split, timeframes=("3h",))
    assert_same(whole, split)


IDS = st.lists(st.integers(0, 300), min_size=1, max_size=40, unique=True).map(sorted)


@pytest.mark.thorough
@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(pages=st.lists(IDS, min_size=1, max_size=4), numbered=st.booleans(), seed=st.randoms(use_true_random=False))
def test_trades_in_any_order_and_any_splits_give_the_same(new_lake, trade_page, pages, numbered, seed):
    built = [
        trade_page(ids, source=str(at), step=1_700_000_000, received=START + (500 + at) * 24 * HOUR, numbered=numbered)
        for at, ids in enumerate(pages)
    ]
    whole, split = new_lake(), new_lake()
    ingest(built, whole)
    refine(whole, timeframes=("1h",))
    for page in seed.sample(built, len(built)):
        ingest([page], split)
        refine(split, timeframes=("1h",))
    assert_same(whole, split)
