"""Every trade once, and the ids that are not there."""

import numpy as np
import pytest

from tallow.flows.ingest import ingest
from tallow.flows.refine.trades import refine_trades, to_ticks, trade_gaps

WHERE = {"venue": "binance", "symbol": "BTC/USDT"}
SECOND = 1_000_000
START = 1_704_067_200_000_000


def bronze(lake, *pages):
    from tallow.domain.tables import BRONZE_TRADES

    ingest(pages, lake)
    return lake.read(BRONZE_TRADES)


def test_two_connections_give_each_trade_once(lake, trade_page):
    rows = bronze(lake, trade_page([1, 2, 3]), trade_page([2, 3, 4], source="b", received=START + 9 * 10**13))
    done = refine_trades(rows, WHERE)
    assert done.silver["trade_id"].to_list() == [1, 2, 3, 4]
    assert done.quarantine.is_empty()


def test_another_price_for_one_id_is_a_conflict(lake, trade_page):
    other = trade_page([2], source="b", received=START + 10**15)
    other.rows.price[0] = 1.0
    done = refine_trades(bronze(lake, trade_page([1, 2]), other), WHERE)
    assert done.silver["trade_id"].to_list() == [1, 2]
    assert done.quarantine["reason"].to_list() == ["CONFLICT"]


def test_trades_without_ids_are_numbered_alike_in_overlapping_payloads(lake, trade_page):
    twice = trade_page([5, 5, 6], numbered=False)
    again = trade_page([5, 5, 6, 7], numbered=False, source="b", received=START + 10**15)
    done = refine_trades(bronze(lake, twice, again), WHERE)
    assert done.silver["trade_id"].to_list() == [-2, -1, -1, -1]


def test_trades_from_the_future_and_of_nothing_stay_out(lake, trade_page):
    ahead = trade_page([500], source="b", received=START)
    empty = trade_page([3], source="c")
    empty.rows.quantity[0] = 0.0
    done = refine_trades(bronze(lake, trade_page([1]), ahead, empty), WHERE)
    assert done.silver["trade_id"].to_list() == [1]
    assert done.quarantine["reason"].to_list() == ["NON_POSITIVE_QUANTITY", "FUTURE"]


@pytest.mark.parametrize(
    ("ids", "seconds", "expected"),
    [
        ([1, 2, 3], [1, 2, 3], []),
        ([1, 2, 5, 6], [1, 2, 5, 6], [(2, 5, 2)]),
        ([1, 2, 4, 5, 7, 8], [1, 2, 2, 2, 2, 9], [(2, 2, 2)]),
        ([1, 9, 70], [1, 2, 3], []),
        ([-1, -1], [1, 2], []),
    ],
)
def test_gaps_lie_between_the_trades_around_them(ids, seconds, expected):
    times = START + np.array(seconds) * SECOND
    rows = trade_gaps(np.array(ids), times, WHERE)
    found = [((s - START) // SECOND, (e - START) // SECOND) for s, e in zip(
        rows["start"].to_physical(), rows["end"].to_physical(), strict=True)]  # fmt: skip
    assert [(*span, missing) for span, missing in zip(found, rows["missing"], strict=True)] == expected


def test_ticks_keep_their_columns(lake, trade_page):
    page = trade_page([1, 2])
    ticks = to_ticks(bronze(lake, page))
    assert ticks.price.tolist() == page.rows.price.tolist()
    assert ticks.buyer_is_maker.tolist() == [False, True]
