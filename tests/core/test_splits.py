import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from skfolio.model_selection import CombinatorialPurgedCV
from skfolio.model_selection import WalkForward as ReferenceWalkForward

from tallow.core.splits import CombinatorialPurged, Length, Split, WalkForward, walk_in_time
from tallow.domain.errors import UserError


def walked(plan, rows):
    return [(split.train_rows.tolist(), split.test_rows.tolist()) for split in plan.split(rows)]


WALKS = list(itertools.product((1, 5, 7), (1, 3, 4), (False, True), (0, 2), (0, 1), (False, True), (13, 30)))


@pytest.mark.parametrize(("train", "test", "anchored", "purge", "embargo", "partial", "rows"), WALKS)
def test_walk_forward_is_that_of_skfolio(train, test, anchored, purge, embargo, partial, rows):
    reference = ReferenceWalkForward(
        test_size=test, train_size=train, expand_train=anchored, reduce_test=partial, purged_size=purge + embargo
    )
    expected = [(a.tolist(), b.tolist()) for a, b in reference.split(np.zeros((rows, 2)))]
    assert walked(WalkForward(train, test, anchored, purge, embargo, partial), rows) == expected


def test_walk_forward_by_hand():
    assert WalkForward(4, 2, anchored=True, purge=1).split(9) == (
        Split((range(0, 4),), (range(5, 7),)),
        Split((range(0, 6),), (range(7, 9),)),
    )
    assert WalkForward(4, 3).split(6) == ()


@given(st.integers(1, 30), st.integers(1, 10), st.booleans(), st.integers(0, 4), st.integers(0, 4), st.integers(1, 90))
@settings(max_examples=100, deadline=None)
def test_walk_forward_tests_are_new_rows_after_the_gap(train, test, anchored, purge, embargo, rest):
    rows = train + purge + embargo + rest
    splits = WalkForward(train, test, anchored, purge, embargo, partial=True).split(rows)
    tested = [row for split in splits for row in split.test_rows.tolist()]
    assert tested == list(range(train + purge + embargo, rows))
    for number, split in enumerate(splits):
        (known,), (piece,) = split.train, split.test
        assert piece.start - known.stop == purge + embargo
        assert len(known) == (train + number * test if anchored else train)
    whole = WalkForward(train, test, anchored, purge, embargo).split(rows)
    assert whole == splits[: len(whole)]
    assert len(splits) - len(whole) == (rest % test > 0)


TABLE = [
    (rows, groups, test_groups, purge, embargo)
    for rows, groups, purge, embargo in itertools.product((60, 97, 240), (3, 4, 6, 7), (0, 1, 3), (0, 1, 2))
    for test_groups in (2, groups - 1)
    if purge + embargo < rows // groups - 1 and 2 * purge + embargo < rows // groups and test_groups < groups
]


@pytest.mark.parametrize(("rows", "groups", "test_groups", "purge", "embargo"), TABLE)
def test_combinatorial_splits_and_paths_are_those_of_skfolio(rows, groups, test_groups, purge, embargo):
    plan = CombinatorialPurged(groups, test_groups, purge, embargo)
    reference = CombinatorialPurgedCV(groups, test_groups, purge, embargo)
    expected = [(a.tolist(), [t.tolist() for t in b]) for a, b in reference.split(np.zeros((rows, 2)))]
    found = [(s.train_rows.tolist(), [list(t) for t in s.test]) for s in plan.split(rows)]
    assert found == expected
    assert (plan.split_count, plan.path_count) == (reference.n_splits, reference.n_test_paths)
    assert np.array(plan.paths).T.tolist() == reference.recombined_paths.tolist()


@pytest.mark.parametrize(("purge", "embargo"), [(8, 0), (0, 8), (4, 5)])
def test_what_skfolio_refuses_is_refused(purge, embargo):
    with pytest.raises(ValueError, match="must be smaller"):
        next(CombinatorialPurgedCV(10, 2, purge, embargo).split(np.zeros((97, 1))))
    with pytest.raises(UserError, match="TOO_FEW_BARS"):
        CombinatorialPurged(10, 2, purge, embargo).split(97)


@given(st.integers(20, 300), st.integers(2, 8), st.integers(1, 7), st.integers(0, 5), st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_no_training_row_is_within_purge_or_embargo_of_a_test(rows, groups, test_groups, purge, embargo):
    assume(test_groups < groups and max(2 * purge + embargo, purge + embargo + 1) < rows // groups)
    plan = CombinatorialPurged(groups, test_groups, purge, embargo)
    for split, chosen in zip(plan.split(rows), plan.tested, strict=True):
        free = np.ones(rows, bool)
        for group in split.test:
            free[max(0, group.start - purge) : group.stop + purge + embargo] = False
        joins = [b.start - a.stop for a, b in itertools.pairwise(split.test)]
        assert all(gap >= 0 for gap in joins)
        assert split.train_rows.tolist() == np.flatnonzero(free).tolist()
        assert len(split.test) == len(chosen) == test_groups


def test_paths_recombine_every_row_once():
    plan = CombinatorialPurged(4, 2)
    rows = np.arange(22.0)
    outputs = [[1_000 * number + rows[group.start : group.stop] for group in split.test]
               for number, split in enumerate(plan.split(22))]  # fmt: skip
    joined = plan.recombine(outputs)
    assert joined.shape == (plan.path_count, 22) == (3, 22)
    assert (joined % 1_000 == rows).all()
    assert len(np.unique(joined[:, 0] // 1_000)) == plan.path_count
    with pytest.raises(UserError, match="BAD_PARAMETER"):
        plan.recombine(outputs[1:])


def test_one_test_group_is_purged_k_fold():
    plan = CombinatorialPurged(3, 1, purge=1, embargo=1)
    assert plan.split(12)[1] == Split((range(0, 3), range(10, 12)), (range(4, 8),))
    assert plan.paths == ((0, 1, 2),)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: WalkForward(0, 1), "train"),
        (lambda: WalkForward(1, 0), "test"),
        (lambda: WalkForward(1, 1, purge=-1), "purge"),
        (lambda: WalkForward(1.5, 1), "train"),
        (lambda: WalkForward(5.0, 1), "train"),
        (lambda: WalkForward(5, float("nan")), "test"),
        (lambda: CombinatorialPurged(1, 1), "groups"),
        (lambda: CombinatorialPurged(3, 3), "test_groups"),
        (lambda: CombinatorialPurged(3, 0), "test_groups"),
        (lambda: CombinatorialPurged(3, 2, embargo=-1), "embargo"),
        (lambda: CombinatorialPurged(40, 20), "splits"),
    ],
)
def test_numbers_that_make_no_plan_are_refused(make, word):
    with pytest.raises(UserError, match="BAD_PARAMETER") as caught:
        make()
    assert word in str(caught.value)


@pytest.mark.parametrize(
    ("plan", "rows", "needed"),
    [
        (WalkForward(5, 2, purge=1), 6, 8),
        (CombinatorialPurged(3, 2, 3), 20, 21),
        (CombinatorialPurged(3, 2, 0, 4), 17, 18),
        (CombinatorialPurged(3, 2, 3), 14, 21),
    ],
)
def test_too_few_rows_say_how_many_are_needed(plan, rows, needed):
    with pytest.raises(UserError, match="TOO_FEW_BARS") as caught:
        plan.split(rows)
    assert f"{needed} rows" in str(caught.value)
    assert plan.split(needed)


def pairs(found):
    return [(split.train[0], split.test[0]) for split in found]


@settings(max_examples=60, deadline=None)
@given(
    train=st.integers(1, 30), test=st.integers(1, 20), anchored=st.booleans(), rows=st.integers(2, 120),
    in_time=st.tuples(st.booleans(), st.booleans()),
)  # fmt: skip
def test_without_a_hole_time_and_rows_are_one(train, test, anchored, rows, in_time):
    assume(train < rows)
    step = 60_000_000
    lengths = [
        Length(microseconds=count * step) if is_time else Length(rows=count)
        for count, is_time in zip((train, test), in_time, strict=True)
    ]
    found = walk_in_time(7 + np.arange(rows) * step, *lengths, anchored=anchored)
    assert found == WalkForward(train, test, anchored=anchored, partial=True).split(rows)


@settings(max_examples=60, deadline=None)
@given(
    hours=st.sets(st.integers(0, 200), min_size=2, max_size=80), train=st.integers(1, 40), test=st.integers(1, 40),
    anchored=st.booleans(),
)  # fmt: skip
def test_with_holes_every_stretch_covers_its_time(hours, train, test, anchored):
    time = np.array(sorted(hours))
    assume(time[-1] >= time[0] + train)
    found = pairs(walk_in_time(time, Length(microseconds=train), Length(microseconds=test), anchored=anchored))
    first = time[0] + train
    # Tests follow each other, to the last row; each begins on the grid of steps.
    assert found[0][1].start == np.searchsorted(time, first)
    assert found[-1][1].stop == len(time)
    for (_, one), (_, two) in itertools.pairwise(found):
        assert one.stop == two.start
    for number, (known, tested) in enumerate(found):
        begin = first + (time[tested.start] - first) // test * test
        assert known.stop == tested.start
        assert len(known) > 0
        if anchored:
            assert known.start == 0
        elif number or len(known) < tested.start:
            assert known.start == np.searchsorted(time, begin - train)


@pytest.mark.parametrize(
    ("hours", "train", "test", "expected"),
    [
        # Nothing between hour 2 and hour 9: tests without a row are passed over, training takes what there was.
        ([0, 1, 2, 9, 10, 11], 3, 2, [(range(3), range(3, 5)), (range(3, 5), range(5, 6))]),
        # The hole comes later: what follows it goes on with the last choice, until something can be trained on.
        ([0, 1, 2, 3, 9, 10, 11], 2, 2, [(range(2), range(2, 5)), (range(4, 5), range(5, 7))]),
    ],
)
def test_where_nothing_can_be_trained_on_the_last_choice_goes_on(hours, train, test, expected):
    lengths = (Length(microseconds=train), Length(microseconds=test))
    assert pairs(walk_in_time(np.array(hours), *lengths)) == expected


@pytest.mark.parametrize(
    ("hours", "train", "needed"),
    [
        ([0, 1, 2], Length(rows=3), "4"),
        ([0, 1, 2], Length(microseconds=3), "more than the training stretch covers"),
        ([], Length(rows=1), "2"),
    ],
)
def test_a_walk_in_time_needs_something_to_test(hours, train, needed):
    with pytest.raises(UserError, match="TOO_FEW_BARS") as caught:
        walk_in_time(np.array(hours, np.int64), train, Length(rows=1))
    assert caught.value.facts["needed"] == needed
