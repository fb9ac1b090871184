from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from tallow.domain.market import parse_symbol
from tallow.domain.scene import Scene
from tallow.domain.sweep import Evaluated, Row
from tallow.domain.timeframes import parse_timeframe
from tallow.domain.trials import Dataset, trial_key
from tallow.flows.sweep.evaluation import MOST_ROWS, Book, Series, Work, choose, named, remark, store

NAN = float("nan")


def gave(rows: list[Row], failed: dict[int, str] | None = None) -> Evaluated:
    """Rows of one number, which is also their Sharpe ratio."""
    ratios = np.array([NAN if place in (failed or {}) else float(row[0]) for place, row in enumerate(rows)])
    return Evaluated(("a",), tuple(rows), {"bar_sharpe": ratios, "trades": ratios * 2.0}, failed or {})


SCENE = Scene("s", parse_symbol("BTC/USDT"), parse_timeframe("1h"))
DATA = Dataset(("binance:BTC/USDT",), 0, 1_000, 1.0)


@dataclass
class Ledger:
    """Records that note what they are given."""

    kept: list[Evaluated] = field(default_factory=list)
    trials: list[bytes] = field(default_factory=list)
    sharpes: list[float] = field(default_factory=list)

    def keep(self, key: str, dataset: Dataset, found: Evaluated, trials: list[bytes]) -> None:
        assert (key, dataset) == ("key", DATA)
        self.kept.append(found)
        self.trials += trials

    def count_trials(self, dataset: Dataset, trials: list[bytes], sharpes: Any) -> None:
        assert dataset == DATA
        self.trials += trials
        self.sharpes += sharpes.tolist()


class Doubler:
    """An evaluator under a clock: each row takes a tenth of a second, the first chunk two seconds more."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.sizes: list[int] = []
        self.totals: list[int] = []

    def run(self, names: tuple[str, ...], chunks: Iterator[tuple[Row, ...]], total: int, bars: slice) -> Any:
        self.totals.append(total)
        for rows in chunks:
            self.clock.sleep(0.1 * len(rows) + (0.0 if self.sizes else 2.0))
            self.sizes.append(len(rows))
            yield gave(list(rows))


def series(records: Ledger | None = None, **changes: Any) -> Series:
    return replace(Series("key", DATA, SCENE, "hash", slice(0, 1_000), 1_000, records), **changes)  # type: ignore[arg-type]


def test_a_book_keeps_the_first_numbers_and_gives_rows_in_any_order() -> None:
    book = Book(("a",))
    book.add(gave([(3,), (1,)]))
    book.add(
        Evaluated(("a",), ((1,), (2,)), {"trades": np.array([9.0, 4.0]), "bar_sharpe": np.array([9.0, NAN])}, {1: "x"})
    )
    assert book.lacks([(1,), (5,), (2,)]) == [(5,)]
    found = book.take([(2,), (1,), (3,)])
    np.testing.assert_array_equal(found.columns["bar_sharpe"], [NAN, 1.0, 3.0])
    np.testing.assert_array_equal(found.columns["trades"], [4.0, 2.0, 6.0])
    assert (found.rows, found.failed) == (((2,), (1,), (3,)), {0: "x"})
    book.add(gave([(3,)]))
    assert len(book.take([(3,)])) == 1


def test_an_empty_book_gives_nothing() -> None:
    found = Book(("a",)).take([])
    assert (len(found), dict(found.columns)) == (0, {})


def test_only_what_is_missing_is_computed_and_every_chunk_is_stored(clock: Any) -> None:
    book, records, doubler = Book(("a",)), Ledger(), Doubler(clock)
    book.add(gave([(1,), (2,)]))
    work = Work(doubler, clock, lambda *call: None)  # type: ignore[arg-type]
    rows: list[Row] = [(number,) for number in range(1, 41)]
    work.complete(book, rows, series(records))
    assert doubler.totals == [38]
    assert (sum(doubler.sizes), doubler.sizes[0], work.computed) == (38, 1, 38)
    # Half a second at ten rows a second are five rows; the last chunks get smaller.
    assert max(doubler.sizes) == 5
    assert doubler.sizes[-1] == 1
    assert [len(found) for found in records.kept] == doubler.sizes
    assert work.seconds == pytest.approx(2.0 + 3.8)
    assert book.take(rows).columns["trades"].tolist() == [2.0 * number for number in range(1, 41)]
    work.complete(book, rows, series(records))
    assert (doubler.totals, work.computed) == ([38], 38)


def test_progress_over_several_stretches_counts_to_the_whole(clock: Any) -> None:
    told: list[tuple[str, float, float]] = []
    doubler = Doubler(clock)
    work = Work(doubler, clock, lambda *call: told.append(call), "walking", whole=8)  # type: ignore[arg-type]
    stored = Book(("a",))
    stored.add(gave([(1,), (2,)]))
    work.complete(stored, [(1,), (2,), (3,), (4,)], series())
    assert (work.done, told[0]) == (4, ("walking", 2, 8))
    work.complete(Book(("a",)), [(1,), (2,), (3,), (4,)], series())
    assert (work.done, told[-1][1:]) == (8, (8, 8))
    assert doubler.totals == [6, 4]
    # Ten rows a second on 1,000 bars.
    assert told[-1][0] == "walking\t10.0 combinations/s, 0.0M bar x combinations/s, 0:00 left"


def test_a_chunk_never_has_more_rows_than_one_commit_takes(clock: Any) -> None:
    class Instant(Doubler):
        def run(self, names: Any, chunks: Any, total: int, bars: slice) -> Any:
            for rows in chunks:
                self.clock.sleep(1e-6)
                self.sizes.append(len(rows))
                yield gave(list(rows))

    instant = Instant(clock)
    work = Work(instant, clock, lambda *call: None)  # type: ignore[arg-type]
    work.complete(Book(("a",)), [(number,) for number in range(40_000)], series())
    assert instant.sizes[:4] == [1, 4, 16, 64]
    assert max(instant.sizes) == MOST_ROWS


def test_only_lasting_failures_are_stored_and_no_failure_is_a_trial() -> None:
    records = Ledger()
    store(gave([(1,), (2,), (3,)], {0: "BAD_PARAMETER: no", 2: "STRATEGY_FAILED: perhaps"}), series(records))
    (kept,) = records.kept
    assert (kept.rows, kept.failed) == (((1,), (2,)), {0: "BAD_PARAMETER: no"})
    np.testing.assert_array_equal(kept.columns["bar_sharpe"], [NAN, 2.0])
    assert records.trials == [trial_key("hash", SCENE, {"a": 2}, DATA)]


def test_without_keeping_trials_are_counted_alone() -> None:
    records = Ledger()
    store(gave([(1,), (2,), (3,)], {1: "BAD_PARAMETER: no"}), series(records, keeps=False))
    assert records.kept == []
    assert records.trials == [trial_key("hash", SCENE, {"a": 1}, DATA), trial_key("hash", SCENE, {"a": 3}, DATA)]
    assert records.sharpes == [1.0, 3.0]


def test_nothing_is_stored_without_records_or_without_anything_that_lasts() -> None:
    records = Ledger()
    store(gave([(1,)], {0: "STRATEGY_FAILED: perhaps"}), series(records))
    assert (records.kept, records.trials) == ([], [])
    store(gave([(1,)]), series(None))


def test_some_rows_keep_their_numbers_and_reasons() -> None:
    found = choose(gave([(1,), (2,), (3,)], {2: "why"}), [2, 0])
    assert (found.rows, found.failed) == (((3,), (1,)), {0: "why"})
    np.testing.assert_array_equal(found.columns["trades"], [NAN, 2.0])
    assert named(("a", "b"), (1, "x")) == {"a": 1, "b": "x"}


@pytest.mark.parametrize(
    ("rate", "left", "expected"),
    [
        (2.0, 10, "2.0 combinations/s, 2.0M bar x combinations/s, 0:05 left"),
        (0.5, 61, "0.5 combinations/s, 0.5M bar x combinations/s, 2:02 left"),
        (1.0, 7_325, "1.0 combinations/s, 1.0M bar x combinations/s, 2:02:05 left"),
        (0.0, 5, "0.0 combinations/s, 0.0M bar x combinations/s, 0:00 left"),
    ],
)
def test_the_speed_is_said_in_words(rate: float, left: int, expected: str) -> None:
    assert remark(rate, 1_000_000, left) == expected
