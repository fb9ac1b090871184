"""What gold is to be made of."""

import pytest

from tallow.domain.tables import SILVER_CANDLES, SILVER_TRADES
from tallow.domain.timeframes import parse_timeframe
from tallow.flows.ingest import ingest
from tallow.flows.refine import refine
from tallow.flows.refine.changes import Changes
from tallow.flows.refine.plan import plan_gold, plan_silver


@pytest.mark.parametrize(
    ("native", "asked", "source"),
    [
        (("5m", "1h"), "1d", "5m"),
        (("1h",), "5m", None),
        (("1h", "4h"), "4h", "native"),
        (("1d",), "1M", "1d"),
        (("1w",), "1M", None),
        ((), "5m", "trades"),
    ],
)
def test_the_finest_native_candles_are_taken(lake, candle_page, trade_page, native, asked, source):
    pages = [candle_page(range(2), timeframe=frame) for frame in native] or [trade_page([1, 2])]
    ingest(pages, lake)
    refine(lake, layer="silver")
    tasks, impossible = plan_gold(Changes(lake), {}, (parse_timeframe(asked),))
    origins = {task.where["timeframe"]: task.origin for task in tasks}
    assert origins.get(asked) == source
    assert bool(impossible) == (source is None)


def test_trades_become_minutes_when_nothing_is_asked(lake, trade_page):
    ingest([trade_page([1, 2])], lake)
    refine(lake, layer="silver")
    [task] = plan_gold(Changes(lake), {}, ())[0]
    assert (task.where["timeframe"], task.source, task.inputs) == (
        "1m", SILVER_TRADES, {"silver.trades": 1, "origin": "trades"},
    )  # fmt: skip


def test_silver_is_planned_from_the_version_it_was_made_of(lake, candle_page):
    ingest([candle_page([0])], lake)
    refine(lake)
    assert list(plan_silver(Changes(lake), {})) == []
    ingest([candle_page([7])], lake)
    [task] = plan_silver(Changes(lake), {"venue": "binance"})
    assert (task.table, task.since, task.version, task.rows) == (SILVER_CANDLES, 1, 2, 1)
    assert list(plan_silver(Changes(lake), {"venue": "okx"})) == []
