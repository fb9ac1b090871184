"""Turn a search into combinations, in an order that the search alone decides."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from tallow.core.search import Constraint, check_axes, grid, latin_points, parse_constraint, random_points, sample
from tallow.domain.columns import Floats
from tallow.domain.errors import UserError
from tallow.domain.scene import Value
from tallow.domain.sweep import Axis, Row, Search
from tallow.ports import Evaluator

TRIALS = 100  # drawn when nobody says how many
_BLOCK = 256  # Sobol points are balanced in powers of two


def settle(search: Search, evaluator: Evaluator) -> Search:
    """Check the axes against what the strategy declares, and give them in its types.

    Raises:
        UserError: UNKNOWN_PARAMETER, BAD_PARAMETER, BAD_RANGE.
    """
    return replace(search, axes=tuple(_settled(axis, evaluator) for axis in check_axes(search.axes)))


def _settled(axis: Axis, evaluator: Evaluator) -> Axis:
    if not axis.is_open:
        return Axis(axis.name, tuple(dict.fromkeys(evaluator.settle(axis.name, axis.values))))
    low, high = evaluator.settle(axis.name, (axis.low, axis.high))
    if isinstance(low, int) and isinstance(high, int):
        return Axis(axis.name, tuple(range(low, high + 1)))
    return axis


def constraints(search: Search, parameters: Mapping[str, Value]) -> list[Constraint]:
    """Read the constraints of a search; they may name parameters that are not swept.

    Raises:
        UserError: BAD_CONSTRAINT.
    """
    known = {**parameters, **{axis.name: axis.low if axis.is_open else axis.values[0] for axis in search.axes}}
    return [parse_constraint(text, known) for text in search.constraints]


def allowed(search: Search, parameters: Mapping[str, Value]) -> Callable[[Row], bool]:
    """Give the test that a combination of the swept parameters must pass."""
    needed, fixed = constraints(search, parameters), dict(parameters)

    def meets(row: Row) -> bool:
        values = {**fixed, **dict(zip(search.names, row, strict=True))}
        return all(constraint.holds(values) for constraint in needed)

    return meets if needed else lambda row: True


def plan(search: Search, parameters: Mapping[str, Value]) -> list[Row]:
    """Give the combinations of a settled search that is not led by its own results.

    Args:
        search: grid, random, latin or sobol.
        parameters: every parameter of the strategy, for constraints.

    Raises:
        UserError: BAD_RANGE, BAD_CONSTRAINT, TOO_MANY_COMBINATIONS, NO_COMBINATIONS, MISSING_EXTRA.
    """
    meets = allowed(search, parameters)
    if search.method == "grid":
        rows = grid(search.axes, meets)
        rows = rows[: search.trials] if search.trials else rows
    else:
        trials = search.trials or TRIALS
        rows = sample(search.axes, _points(search, trials), trials, meets)
    if not rows:
        raise UserError(
            "NO_COMBINATIONS",
            "no combination meets the constraints",
            facts={"axes": "  ".join(map(str, search.axes)), "constraints": "; ".join(search.constraints) or "none"},
        )
    return rows


def _points(search: Search, trials: int) -> Iterator[Floats]:
    dimensions = len(search.axes)
    if search.method == "random":
        return random_points(dimensions, search.seed)
    if search.method == "latin":
        return latin_points(dimensions, trials, search.seed)
    return sobol_points(dimensions, search.seed)


def sobol_points(dimensions: int, seed: int) -> Iterator[Floats]:
    """Give scrambled Sobol points of the unit cube, block after block (scipy.stats.qmc).

    Raises:
        UserError: MISSING_EXTRA when scipy is not installed.
    """
    try:
        from scipy.stats import qmc  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError:
        raise missing("--method sobol", "scipy") from None
    source = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
    while True:
        yield np.asarray(source.random(_BLOCK), np.float64)


def missing(what: str, package: str) -> UserError:
    """Say which package is needed, and how to get it."""
    return UserError(
        "MISSING_EXTRA",
        f"{what} needs {package}",
        commands=["pip install 'tallow[search]'", "--method random"],
    )
