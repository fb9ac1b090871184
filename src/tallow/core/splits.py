"""Which rows train and which test: walk-forward splits and combinatorial purged cross-validation.

Rows are bars in time order, counted from 0. Purging drops training rows whose labels reach into a test piece;
the embargo drops training rows right after one. Both are counted in rows.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallow.domain.columns import Floats, Times
from tallow.domain.errors import UserError

Rows = NDArray[np.int64]
MOST_SPLITS = 100_000


@dataclass(frozen=True)
class Split:
    """One training set and the test pieces held out from it, as ascending half-open ranges of rows.

    Attributes:
        train: contiguous pieces; a strategy is trained on each, or on all joined.
        test: the test groups; one range in a walk-forward split.
    """

    train: tuple[range, ...]
    test: tuple[range, ...]

    @property
    def train_rows(self) -> Rows:
        """Every training row."""
        return _joined(self.train)

    @property
    def test_rows(self) -> Rows:
        """Every test row."""
        return _joined(self.test)


@dataclass(frozen=True)
class WalkForward:
    """Train on the past, test on what follows, move on by one test piece.

    The gap between training and test is `purge + embargo` rows. Training precedes the test, so that an embargo only
    widens the gap; skfolio's `WalkForward` has the one number `purged_size` for it, and the same splits.

    Attributes:
        train: training rows; of the first split when `anchored`.
        test: test rows.
        anchored: every training set starts at row 0 (skfolio: `expand_train`); otherwise it rolls.
        purge: training rows dropped before the test, as many as a label looks ahead.
        embargo: rows dropped beyond that.
        partial: keep a last test piece that is shorter than `test` (skfolio: `reduce_test`).

    Example:
        >>> [(fold.train, fold.test) for fold in WalkForward(train=3, test=2).split(7)]
        [((range(0, 3),), (range(3, 5),)), ((range(2, 5),), (range(5, 7),))]

    Raises:
        UserError: BAD_PARAMETER for sizes below 1, or below 0 for purge and embargo.
    """

    train: int
    test: int
    anchored: bool = False
    purge: int = 0
    embargo: int = 0
    partial: bool = False

    def __post_init__(self) -> None:
        """Check every size."""
        for name, least in (("train", 1), ("test", 1), ("purge", 0), ("embargo", 0)):
            _check_least(name, getattr(self, name), least)

    def split(self, rows: int) -> tuple[Split, ...]:
        """Give every split of `rows` rows, in time order; none when `partial` is off and no whole test piece fits.

        Raises:
            UserError: TOO_FEW_BARS when training and gap leave nothing to test.
        """
        gap = self.purge + self.embargo
        first = self.train + gap
        if first >= rows:
            least = first + (1 if self.partial else self.test)
            raise _too_few(rows, least, "train + purge + embargo + test")
        last = rows - 1 if self.partial else rows - self.test
        return tuple(
            Split(
                (range(0 if self.anchored else start - first, start - gap),),
                (range(start, min(start + self.test, rows)),),
            )
            for start in range(first, last + 1, self.test)
        )


@dataclass(frozen=True)
class Length:
    """How long a stretch is: so many rows, or so much time.

    Attributes:
        rows: where it is counted in rows.
        microseconds: where it is a time; then `rows` is 0.
    """

    rows: int = 0
    microseconds: int = 0

    def end(self, time: Times, row: int, moment: int) -> tuple[int, int]:
        """Give row and moment at which a stretch ends that begins at `row` and `moment`; the number of rows at most.

        A stretch of time ends at its moment, whether or not there is a row.
        """
        if self.rows:
            stop = min(row + self.rows, len(time))
            return stop, int(time[stop]) if stop < len(time) else moment
        return int(np.searchsorted(time, moment + self.microseconds)), moment + self.microseconds

    def start(self, time: Times, row: int, moment: int) -> int:
        """Give the row at which a stretch begins that ends before `row`, at `moment`."""
        return max(0, row - self.rows) if self.rows else int(np.searchsorted(time, moment - self.microseconds))


def walk_in_time(time: Times, train: Length, test: Length, *, anchored: bool = False) -> tuple[Split, ...]:
    """Give the splits of a walk forward whose stretches are lengths of time, or rows; the last test may be short.

    Where no row is missing they are those of `WalkForward` with `partial`. A length of time covers that time however
    many rows are missing in it. A test without a row is passed over; one before which no row could be trained on is
    joined to the test before, whose choice goes on; the first is trained on all rows before it.

    Args:
        time: of every row, ascending, microseconds.
        train: what each choice is made on.
        test: what follows, and how far the walk goes in one step.
        anchored: every training set starts at row 0.

    Example:
        >>> hours = np.array([0, 1, 2, 5, 6, 7]) * 3_600_000_000  # two are missing
        >>> length = Length(microseconds=3 * 3_600_000_000)
        >>> [(split.train[0], split.test[0]) for split in walk_in_time(hours, length, length)]
        [(range(0, 3), range(3, 4)), (range(3, 4), range(4, 6))]

    Raises:
        UserError: TOO_FEW_BARS when nothing is left to test.
    """
    row, moment = train.end(time, 0, int(time[0]) if len(time) else 0)
    if row >= len(time):
        least = train.rows + 1 if train.rows else "more than the training stretch covers"
        raise UserError("TOO_FEW_BARS", f"{len(time)} rows are too few for these splits", facts={"needed": least})
    found: list[Split] = []
    while row < len(time):
        stop, after = test.end(time, row, moment)
        known = range(0 if anchored else train.start(time, row, moment), row)
        if stop > row and (known or not found):
            found.append(Split((known or range(row),), (range(row, stop),)))
        elif stop > row:
            last = found[-1]
            found[-1] = Split(last.train, (range(last.test[0].start, stop),))
        row, moment = stop, after
    return tuple(found)


@dataclass(frozen=True)
class CombinatorialPurged:
    """Hold out every choice of `test_groups` from `groups` equal pieces (M. Lopez de Prado, 2018, chapter 12).

    Each group is tested in several splits, so that the tests recombine to `path_count` whole histories instead of
    one. As in skfolio, whose splits are the same: a group has `rows // groups` rows, the last one also the rest;
    `purge` rows go on both sides of a test piece, `embargo` more only after it; splits come in lexicographic order.

    Attributes:
        groups: consecutive pieces, at least 2.
        test_groups: pieces held out at a time, at least 1 (then it is purged k-fold) and fewer than `groups`.
        purge: training rows dropped on either side of a test piece.
        embargo: training rows dropped beyond that after a test piece.

    Example:
        >>> plan = CombinatorialPurged(groups=3, test_groups=2, purge=1)
        >>> plan.split(12)[1].train, plan.split(12)[1].test
        ((range(5, 7),), (range(0, 4), range(8, 12)))
        >>> plan.paths
        ((0, 0, 1), (1, 2, 2))

    Raises:
        UserError: BAD_PARAMETER for numbers that make no plan, or one of more than 100,000 splits.
    """

    groups: int = 10
    test_groups: int = 8
    purge: int = 0
    embargo: int = 0

    def __post_init__(self) -> None:
        """Check every number."""
        for name, least in (("groups", 2), ("test_groups", 1), ("purge", 0), ("embargo", 0)):
            _check_least(name, getattr(self, name), least)
        if self.test_groups >= self.groups:
            raise _bad("test_groups", self.test_groups, f"1 to {self.groups - 1}, so that something is left to train")
        if self.split_count > MOST_SPLITS:
            raise _bad(
                "groups", self.groups, f"at most {MOST_SPLITS:,} splits; these numbers make {self.split_count:,}"
            )

    @property
    def split_count(self) -> int:
        """How many splits there are: the ways to choose the test groups."""
        return math.comb(self.groups, self.test_groups)

    @property
    def path_count(self) -> int:
        """How many whole histories the tests make: how often each group is tested."""
        return self.split_count * self.test_groups // self.groups

    @property
    def tested(self) -> tuple[tuple[int, ...], ...]:
        """Give the test groups of every split."""
        return tuple(itertools.combinations(range(self.groups), self.test_groups))

    @property
    def paths(self) -> tuple[tuple[int, ...], ...]:
        """Give for every path the split from which each group's test is taken."""
        of_group: list[list[int]] = [[] for _ in range(self.groups)]
        for number, chosen in enumerate(self.tested):
            for group in chosen:
                of_group[group].append(number)
        return tuple(zip(*of_group, strict=True))

    def split(self, rows: int) -> tuple[Split, ...]:
        """Give every split of `rows` rows.

        Raises:
            UserError: TOO_FEW_BARS when purge and embargo leave less than two rows of a group, as in skfolio, or
                no training row at all.
        """
        pieces = self.pieces(rows)
        found = tuple(Split(self._training(pieces, chosen), tuple(pieces[i] for i in chosen)) for chosen in self.tested)
        if not all(split.train for split in found):
            raise self._too_few(rows)
        return found

    def recombine(self, outputs: Sequence[Sequence[Floats]]) -> Floats:
        """Join what the splits gave on their test groups to whole paths: `path_count` x rows.

        Args:
            outputs: per split, per test group, one value a row.

        Raises:
            UserError: BAD_PARAMETER when there is not one output per split and test group.
        """
        if [len(pieces) for pieces in outputs] != [self.test_groups] * self.split_count:
            raise _bad("outputs", f"{len(outputs)} splits", f"{self.split_count} splits of {self.test_groups} pieces")
        return np.array(
            [
                np.concatenate([outputs[at][self.tested[at].index(group)] for group, at in enumerate(path)])
                for path in self.paths
            ]
        )

    def pieces(self, rows: int) -> tuple[range, ...]:
        """Give the rows of every group.

        Raises:
            UserError: TOO_FEW_BARS.
        """
        size = rows // self.groups
        if self.purge + self.embargo >= size - 1:
            raise self._too_few(rows)
        starts = [group * size for group in range(self.groups)]
        return tuple(range(start, end) for start, end in zip(starts, [*starts[1:], rows], strict=True))

    def _too_few(self, rows: int) -> UserError:
        size = self.purge + self.embargo + max(2, self.purge + 1)
        return _too_few(rows, self.groups * size, f"{size} for each of {self.groups} groups")

    def _training(self, pieces: tuple[range, ...], chosen: tuple[int, ...]) -> tuple[range, ...]:
        found: list[range] = []
        for group, piece in enumerate(pieces):
            if group in chosen:
                continue
            start = piece.start + (self.purge + self.embargo if group - 1 in chosen else 0)
            stop = piece.stop - (self.purge if group + 1 in chosen else 0)
            if found and found[-1].stop == start:
                found[-1] = range(found[-1].start, stop)
            elif start < stop:
                found.append(range(start, stop))
        return tuple(found)


def _joined(pieces: tuple[range, ...]) -> Rows:
    return np.concatenate([np.arange(piece.start, piece.stop, dtype=np.int64) for piece in pieces])


def _check_least(name: str, value: int, least: int) -> None:
    if not isinstance(value, int | np.integer) or value < least:
        raise _bad(name, value, f"a whole number of rows or groups, at least {least}")


def _bad(name: str, value: object, valid: str) -> UserError:
    return UserError("BAD_PARAMETER", f"{name} cannot be {value}", facts={"valid": valid})


def _too_few(rows: int, least: int, because: str) -> UserError:
    return UserError(
        "TOO_FEW_BARS", f"{rows} rows are too few for these splits", facts={"needed": f"{least} rows: {because}"}
    )
