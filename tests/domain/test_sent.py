import numpy as np
import pytest

from tallow.domain.orders import KINDS, VALIDITIES
from tallow.domain.sent import MESSAGE, Sent, sent_of, words_at


def message(**fields):
    return [float(fields.get(name, 0.0)) for name in MESSAGE]


def sent(*messages, count=10):
    return Sent(
        np.array([row for row, _ in messages], np.int64),
        np.array([one for _, one in messages]).reshape(-1, len(MESSAGE)),
        count,
    )


KIND = {name: KINDS.index(name) for name in KINDS}


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (message(cancels=3), "cancel 3"),
        (message(cancels=-3, quantity=2, price=99.5), "amend 3 quantity 2 price 99.5"),
        (message(cancels=-3, trigger=90), "amend 3 trigger 90"),
        (message(kind=KIND["target"], target=-0.5), "target -0.5"),
        (message(kind=KIND["market"], side=1, quantity=2), "buy 2 market"),
        (message(kind=KIND["limit"], side=1, quantity=2, price=99.5), "buy 2 limit 99.5"),
        (message(kind=KIND["stop"], side=-1, quantity=0.25, trigger=90), "sell 0.25 stop 90"),
        (message(kind=KIND["stop_limit"], side=-1, quantity=1, trigger=90, price=89), "sell 1 stop limit 90 89"),
        (
            message(kind=KIND["trailing_stop"], side=-1, quantity=1, trail=0.02, reduce_only=1, parent=4, group=-4),
            "sell 1 trailing stop 0.02 reduce only group -4 parent 4",
        ),
        (
            message(
                kind=KIND["limit"], side=1, quantity=1, price=5, validity=VALIDITIES.index("post_only"), good_till=60
            ),
            "buy 1 limit 5 post only good_till 60",
        ),
    ],
)
def test_messages_are_said_in_words(one, words):
    assert sent((4, one)).words(4) == words


def test_a_row_without_messages_says_nothing():
    assert sent((4, message(cancels=3)), (4, message(cancels=5))).words(4) == "cancel 3; cancel 5"
    assert sent((4, message(cancels=3))).words(5) == "nothing"
    assert sent(count=0).words(0) == "nothing"


@pytest.mark.parametrize(
    ("targets", "rows", "values"),
    [
        ([0.0, 1.0, np.nan, 1.0, 0.0], [1, 4], [1.0, 0.0]),
        ([np.nan, np.nan, 0.5], [2], [0.5]),
        ([True, True, False], [0, 2], [1.0, 0.0]),
        ([], [], []),
    ],
)
def test_targets_are_sent_where_they_change(targets, rows, values):
    found = sent_of(np.array(targets))
    assert (found.row.tolist(), found.column("target").tolist(), len(found)) == (rows, values, len(targets))
    assert sent_of(found) is found


def test_a_decision_is_told_at_a_row():
    assert words_at(np.array([0.5]), 0) == 0.5
    assert words_at(np.array([0.5]), 1) is None
    assert words_at(sent((4, message(cancels=3))), 4) == "cancel 3"


def test_ids_count_back_so_that_runs_from_different_starts_agree():
    early = message(kind=KIND["market"], side=1, quantity=1)
    entry = message(kind=KIND["limit"], side=1, quantity=1, price=9)
    whole = sent(
        (1, early),
        (5, entry),
        (5, message(kind=KIND["stop"], side=-1, quantity=1, trigger=8, parent=2, group=-2)),
        (7, message(cancels=2)),
        (7, message(kind=KIND["market"], side=1, quantity=1, group=6)),
    )
    late = sent(
        (0, entry),
        (0, message(kind=KIND["stop"], side=-1, quantity=1, trigger=8, parent=1, group=-1)),
        (2, message(cancels=1)),
        (2, message(kind=KIND["market"], side=1, quantity=1, group=6)),
        count=5,
    )
    part = whole.since(5)
    assert (part.row.tolist(), part.earlier, len(part)) == (late.row.tolist(), 1, 5)
    np.testing.assert_array_equal(part.relative, late.relative)
    assert part.column("parent").tolist() != late.column("parent").tolist()
    assert len(whole.since(99)) == 0


def test_an_amendment_names_its_order_from_the_last_one_back():
    market = message(kind=KIND["market"], side=1, quantity=2)
    first = sent((0, market), (1, message(cancels=-1, price=5)))
    later = Sent(first.row, first.message.copy(), 10, earlier=3)
    later.message[1, MESSAGE.index("cancels")] = -4.0
    assert np.array_equal(first.relative, later.relative)
    assert first.relative[1, MESSAGE.index("cancels")] == -1.0
    other = Sent(first.row, first.message, 10, earlier=3)
    assert not np.array_equal(first.relative, other.relative)
