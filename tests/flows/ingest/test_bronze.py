"""Rows take their places in the payload."""

import hashlib

import polars as pl
import pytest

from tallow.flows.ingest.bronze import bronze_rows, digest, payload_row, places_of, rejected_rows
from tallow.ports import Rejected


def test_a_payload_is_named_by_its_sha256():
    assert digest(b"abc") == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize(
    ("rejected", "start", "places", "following"),
    [
        ((), 0, [0, 1, 2], 3),
        ((0,), 0, [1, 2, 3], 4),
        ((1, 3), 0, [0, 2, 4], 5),
        ((), 10, [10, 11, 12], 13),
        ((11,), 10, [10, 12, 13], 14),
        ((99,), 0, [0, 1, 2], 4),
    ],
)
def test_rejected_rows_keep_their_places(candle_page, rejected, start, places, following):
    page = candle_page([0, 1, 2], rejected=tuple(Rejected(row, "X", "") for row in rejected))
    found, end = places_of(page, start)
    assert (found.tolist(), end) == (places, following)


def test_frames_have_lake_types_even_when_empty(candle_page, trade_page, funding_page, rules_page):
    moment = pl.Datetime("us", "UTC")
    for page in (candle_page([]), trade_page([]), funding_page([])):
        rows = bronze_rows(page, "p", places_of(page, 0)[0])
        assert rows.is_empty()
        assert rows["received_time"].dtype == moment
    assert payload_row(rules_page, "p")["received_time"].dtype == moment
    assert rejected_rows(rules_page, "p").is_empty()
    assert bronze_rows(rules_page, "p", places_of(rules_page, 0)[0])["symbol"].to_list() == ["BTC/USDT", "ETH/USDT"]
