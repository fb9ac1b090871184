from dataclasses import fields, replace

import numpy as np
import pytest

from tallow.domain.results import EXIT_REASONS, FillLog, Run, TradeLog


def log(kind: type, rows: int) -> object:
    return kind(**{item.name: np.arange(rows, dtype=np.float64) for item in fields(kind)})


def a_run() -> Run:
    fills, trades = log(FillLog, 2), log(TradeLog, 1)
    assert isinstance(fills, FillLog)
    assert isinstance(trades, TradeLog)
    return Run(np.arange(3), np.ones(3), np.zeros(3), np.zeros(3), fills, trades, 0, 0)


def test_the_digest_is_a_function_of_the_numbers() -> None:
    assert a_run().digest() == a_run().digest()
    assert len(a_run().digest()) == 64


@pytest.mark.parametrize(
    "change",
    [{"time": np.array([0, 1, 3])}, {"equity": np.array([1.0, 1.0, 1.0 + 2**-52])}, {"position": np.ones(3)},
     {"target": np.ones(3)}, {"ambiguous_bars": 1}, {"rejected_orders": 1}, {"equity": np.array([1.0, 1.0])}],
)  # fmt: skip
def test_the_last_bit_of_any_number_changes_the_digest(change: dict[str, object]) -> None:
    assert replace(a_run(), **change).digest() != a_run().digest()  # type: ignore[arg-type]


@pytest.mark.parametrize("part", ["fills", "trades"])
def test_every_column_of_the_logs_is_in_the_digest(part: str) -> None:
    run = a_run()
    for item in fields(getattr(run, part)):
        changed = replace(getattr(run, part), **{item.name: getattr(getattr(run, part), item.name) + 1})
        assert replace(run, **{part: changed}).digest() != run.digest()  # type: ignore[arg-type]


def test_logs_have_lengths() -> None:
    assert (len(a_run().fills), len(a_run().trades)) == (2, 1)
    assert EXIT_REASONS[0] == "target"
