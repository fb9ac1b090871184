import json

import pytest

from tallow.venues.simulated.damage import archive, page
from tallow.venues.simulated.endpoints import Answer
from tallow.venues.simulated.faults import Faults

DAY_MS = 86_400_000
PLAN = Faults(retry_after=4, delay=0.5)
TRADES = [{"a": i, "p": "1.0", "T": 10**12 + i} for i in range(4)]
KLINES = [[10**12 + i * 60_000, "1", "1", "1", "1.5", "9", 10**12 + i * 60_000 + 59_999] for i in range(4)]


def rows(fault, content=TRADES, previous=None):
    return json.loads(page(Answer(200, content), fault, previous, PLAN).content)


def test_an_honest_answer_is_whole():
    response = page(Answer(200, TRADES), "", None, PLAN)
    assert (response.status, json.loads(response.content), response.promised) == (200, TRADES, -1)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("unordered", [3, 2, 1, 0]),
        ("doubled", [0, 0, 1, 2, 3]),
        ("shortened", [0, 1]),
        ("holed", [0, 1, 3]),
        ("garbled", [0, 1, 2, 3]),
        ("outside", [-400 * DAY_MS, 0, 1, 2, 3]),
    ],
)
def test_rows_are_spoilt_as_named(fault, expected):
    assert [row["a"] for row in rows(fault)] == expected


def test_numbers_are_garbled_and_rows_moved_in_every_shape():
    assert [row["p"] for row in rows("garbled")] == ["1.0", "1.0", "NaN", "1.0"]
    assert [row[4] for row in rows("garbled", KLINES)] == ["1.5", "1.5", "NaN", "1.5"]
    assert rows("garbled", [{"fundingTime": 1, "fundingRate": "0"}]) == [{"fundingTime": 1, "fundingRate": "NaN"}]
    moved = rows("outside", KLINES)
    assert (moved[0][0], moved[0][6]) == (KLINES[0][0] - 400 * DAY_MS, KLINES[0][6] - 400 * DAY_MS)
    assert rows("outside", [{"fundingTime": 10**12, "fundingRate": "0"}])[0]["fundingTime"] == 10**12 - 400 * DAY_MS


def test_the_page_before_comes_again():
    assert rows("repeated", previous=Answer(200, KLINES)) == KLINES
    assert rows("repeated") == TRADES
    assert rows("unordered", TRADES[:1]) == TRADES[:1] * 2


@pytest.mark.parametrize(
    ("fault", "status"), [("limited", 429), ("banned", 418), ("failed", 500), ("refused", 503), ("html", 200)]
)
def test_answers_that_are_none(fault, status):
    response = page(Answer(200, {"x": 1}), fault, None, PLAN)
    assert response.status == status
    assert (("Retry-After", "4") in response.headers) == (status in (429, 418))
    assert b'"x"' not in response.content


def test_bodies_that_end_early():
    whole = json.dumps(TRADES, separators=(",", ":")).encode()
    truncated, cut, reset, slow = (
        page(Answer(200, TRADES), f, None, PLAN) for f in ("truncated", "cut", "reset", "slow")
    )
    assert (truncated.content, truncated.promised) == (whole[: len(whole) // 2], -1)
    assert (cut.content, cut.promised) == (whole[: len(whole) // 2], len(whole))
    assert reset.promised is None
    assert (slow.content, slow.delay) == (whole, 0.5)


def test_faults_of_rows_leave_other_answers_alone():
    assert json.loads(page(Answer(200, {"x": 1}), "doubled", None, PLAN).content) == {"x": 1}
    assert page(Answer(400, {"code": -1121}), "html", None, PLAN).status == 400
    assert rows("doubled", []) == []


def test_a_garbled_archive_differs_in_one_byte():
    content = bytes(range(100))
    spoilt = archive(content, "garbled", PLAN).content
    assert sum(a != b for a, b in zip(content, spoilt, strict=True)) == 1
    assert archive(content, "", PLAN).content == content
    assert archive(content, "truncated", PLAN).content == content[:50]
