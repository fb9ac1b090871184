from collections.abc import Mapping

import numpy as np
import pytest

from tallow.core.splits import CombinatorialPurged
from tallow.domain.sweep import Axis, Search
from tallow.flows.sweep.cross_values import CrossPath, CrossValidationResult


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ([{"sharpe": 1.5}, {"sharpe": None}, {}], [1.5, np.nan, np.nan]),
        ([{"sharpe": 2, "trades": 3}], [2.0]),
    ],
)
def test_a_metric_of_every_path_is_a_row(metrics: list[Mapping[str, float | None]], expected: list[float]) -> None:
    paths = tuple(CrossPath((0,), "", 0.0, found, np.zeros(1)) for found in metrics)
    rows = np.zeros(1, np.int64)
    search = Search((Axis("k", (1,)),))
    done = CrossValidationResult(
        search, CombinatorialPurged(3, 1), None, (), paths, 0, rows, 1, 0, 0.0  # type: ignore[arg-type]
    )  # fmt: skip
    np.testing.assert_array_equal(done.numbers("sharpe"), expected)
