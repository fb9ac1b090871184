"""Incidents as rows."""

import numpy as np

from tallow.domain.tables import META_GAPS, META_QUARANTINE, SILVER_CANDLES
from tallow.domain.timeframes import HOUR, parse_timeframe
from tallow.flows.refine.rows import flagged, gap_rows, is_quarantined

H1 = parse_timeframe("1h")
WHERE = {"venue": "v", "symbol": "s", "timeframe": "1h"}


def test_gaps_that_begin_together_become_one():
    rows = gap_rows(SILVER_CANDLES, WHERE, [(5, 6, 1, "A"), (1, 2, 3, "A"), (1, 4, 2, "A")])
    assert rows.columns == list(META_GAPS.column_names)
    assert [rows[name].to_physical().to_list() for name in ("start", "end")] == [[1, 5], [4, 6]]
    assert rows["missing"].to_list() == [5, 1]
    assert gap_rows(SILVER_CANDLES, WHERE, []).schema == rows.schema
    assert META_QUARANTINE.key[0] == "table_name"


def test_flags_are_told_in_runs():
    time = np.array([0, 1, 2, 5, 6]) * HOUR
    codes = np.array(["ZERO_VOLUME", "ZERO_VOLUME", "", "ZERO_VOLUME", "TRUNCATED"])
    assert [(a // HOUR, b // HOUR, n, c) for a, b, n, c in flagged(time, codes, H1)] == [
        (6, 7, 0, "TRUNCATED"), (0, 2, 0, "ZERO_VOLUME"), (5, 6, 0, "ZERO_VOLUME"),
    ]  # fmt: skip
    assert is_quarantined(np.array(["", "BAD_OHLC", "TRUNCATED"])).tolist() == [False, True, False]
