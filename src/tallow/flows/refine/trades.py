"""Silver trades and funding: every trade once by its venue id, every payment once."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tallow.core.clean import (
    CONFLICT,
    DUPLICATE,
    FUTURE,
    NOT_FINITE,
    check_trades,
    dedupe_trades,
    id_gaps,
    number_trades,
)
from tallow.domain.columns import Ticks, Times
from tallow.domain.tables import SILVER_FUNDING, SILVER_TRADES
from tallow.domain.timeframes import MINUTE
from tallow.flows.ingest.coverage import counts_trades
from tallow.flows.read import microseconds
from tallow.flows.refine.candles import Refined
from tallow.flows.refine.rows import Incident, gap_rows, is_quarantined, quarantine_rows

if TYPE_CHECKING:
    import polars as pl

TRADE_IDS = "TRADE_IDS"
"""Cause of a hole in the ids of a venue that counts its trades."""


def refine_trades(bronze: "pl.DataFrame", where: Mapping[str, str]) -> Refined:
    """Keep each trade once, as first received; gaps are found over the whole series, by `trade_gaps`."""
    rows = _numbered(bronze)
    ticks = to_ticks(rows)
    codes = check_trades(ticks)
    ahead = (ticks.event_time > ticks.received_time + MINUTE) & ~is_quarantined(codes)
    codes[ahead] = FUTURE
    sound = np.flatnonzero(~is_quarantined(codes))
    again = dedupe_trades(ticks[sound])
    codes[sound[again == CONFLICT]] = CONFLICT
    codes[sound[again == DUPLICATE]] = DUPLICATE
    out = np.flatnonzero(is_quarantined(codes) & (codes != DUPLICATE))
    silver = rows[sound[again == ""]].select(SILVER_TRADES.column_names).sort("event_time", "trade_id")
    empty = gap_rows(SILVER_TRADES, where, [])
    return Refined(silver, quarantine_rows(SILVER_TRADES, where, rows[out], codes[out]), empty)


def trade_gaps(trade_id: Times, event_time: Times, where: Mapping[str, str]) -> "pl.DataFrame":
    """Make the gap rows of a whole series; none where ids do not number the trades one by one."""
    order = np.argsort(trade_id, kind="stable")
    ids, times = trade_id[order], event_time[order]
    found: list[Incident] = []
    if counts_trades(ids):
        for gap in id_gaps(ids):
            before = int(np.searchsorted(ids, gap.first)) - 1
            after = int(np.searchsorted(ids, gap.last, "right"))
            start, end = sorted((int(times[before]), int(times[after])))
            found.append((start, end, gap.missing, TRADE_IDS))
    return gap_rows(SILVER_TRADES, where, found)


def _numbered(bronze: "pl.DataFrame") -> "pl.DataFrame":
    """Number trades without an id within their payload, so that overlapping payloads number them alike."""
    import polars as pl

    if (bronze["trade_id"] >= 0).all():
        return bronze
    payloads = bronze["payload"].rank("dense").to_numpy().astype(np.int64)
    moments = microseconds(bronze, "event_time")
    places = np.unique(np.stack([moments, payloads]), axis=1, return_inverse=True)[1]
    numbers = number_trades(places.reshape(-1).astype(np.int64), bronze["trade_id"].to_numpy())
    return bronze.with_columns(pl.Series("trade_id", numbers))


def refine_funding(bronze: "pl.DataFrame", where: Mapping[str, str]) -> Refined:
    """Keep each payment once, as first received; another rate for the same moment is a CONFLICT."""
    import polars as pl

    rows = bronze.sort("time", "received_time", "payload", "row")
    finite = rows["rate"].is_finite().fill_null(False)
    sound, broken = rows.filter(finite), rows.filter(~finite)
    first = pl.col("rate").first().over("time")
    differ = sound.filter(pl.col("rate") != first)
    silver = sound.unique("time", keep="first", maintain_order=True).select(SILVER_FUNDING.column_names)
    codes = np.array([CONFLICT] * len(differ) + [NOT_FINITE] * len(broken), "<U24")
    kept_out = quarantine_rows(SILVER_FUNDING, where, pl.concat([differ, broken]), codes)
    return Refined(silver, kept_out, gap_rows(SILVER_FUNDING, where, []))


def to_ticks(rows: "pl.DataFrame") -> Ticks:
    """Turn trade rows into columns; null becomes NaN."""
    price, quantity = (
        np.ascontiguousarray(rows[name].fill_null(np.nan).to_numpy(), np.float64) for name in ("price", "quantity")
    )
    return Ticks(
        np.ascontiguousarray(rows["trade_id"].to_numpy(), np.int64),
        microseconds(rows, "event_time"),
        microseconds(rows, "received_time"),
        price,
        quantity,
        np.ascontiguousarray(rows["buyer_is_maker"].fill_null(False).to_numpy(), np.bool_),
    )
