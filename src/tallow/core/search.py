"""Search spaces: reading axes and constraints from text, and the combinations of them in a fixed order."""

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise, product
from typing import Any

import numpy as np

from tallow.domain.columns import Floats
from tallow.domain.errors import UserError, nearest
from tallow.domain.scene import Value
from tallow.domain.sweep import Axis, Row

MOST_VALUES = 1_000_000  # of one axis: beyond that a step was mistyped
MOST_ROWS = 10_000_000  # of one grid
BLOCK = 256  # points drawn at a time
_PATIENCE = 64  # blocks without a new combination after which the space counts as used up

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?::({_NUMBER}))?")
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def parse_axis(text: str) -> Axis:
    """Read ``name=lo..hi:step``, ``name=lo..hi`` or ``name=a,b,c``; both ends of a range are included.

    A range of whole numbers without a step goes by ones; one with a fraction is open: any number in it may be drawn.

    Example:
        >>> parse_axis("fast=5..20:5").values, parse_axis("kind=sma,ema").values
        ((5, 10, 15, 20), ('sma', 'ema'))

    Raises:
        UserError: BAD_RANGE.
    """
    name, equals, rest = (part.strip() for part in text.partition("="))
    if not equals or not name.isidentifier() or not rest:
        raise _bad_range(text, "is not name=values")
    match = _RANGE.fullmatch(rest.replace(" ", ""))
    if match is not None:
        return _stepped(text, name, *match.groups())
    if ".." in rest:
        raise _bad_range(text, "has a range that cannot be read")
    values = [_value(part.strip()) for part in rest.split(",")]
    if "" in values:
        raise _bad_range(text, "has an empty value")
    return Axis(name, tuple(dict.fromkeys(values)))


def axes_of(grid: "Mapping[str, object]") -> tuple[Axis, ...]:
    """Read a mapping of name -> values: a text as `parse_axis` reads it, one value, or any iterable of values.

    Raises:
        UserError: BAD_RANGE.
    """
    axes = []
    for name, given in grid.items():
        if isinstance(given, str):
            axes.append(parse_axis(f"{name}={given}"))
            continue
        items = list(given) if isinstance(given, Iterable) else [given]
        plain = [item.item() if isinstance(item, np.generic) else item for item in items]
        values = [value for value in plain if isinstance(value, bool | int | float | str)]
        if not values or len(values) < len(plain):
            raise _bad_range(f"{name}={given!r}", "has no values, or one that no parameter can have")
        axes.append(Axis(name, tuple(dict.fromkeys(values))))
    return check_axes(axes)


def check_axes(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Give the axes when there is at least one and none twice.

    Raises:
        UserError: BAD_RANGE.
    """
    names = [axis.name for axis in axes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if not axes or twice is not None:
        raise _bad_range(twice or "nothing", "is given twice" if twice else "says no parameter to sweep")
    return tuple(axes)


@dataclass(frozen=True)
class Constraint:
    """Comparisons that a combination must meet: ``2 < fast < slow`` holds when each neighbouring pair does."""

    text: str
    operands: tuple[str | float, ...]
    signs: tuple[str, ...]

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Say whether the values meet every comparison."""
        sides = [values[item] if isinstance(item, str) else item for item in self.operands]
        pairs = zip(self.signs, pairwise(sides), strict=True)
        return all(_COMPARE[sign](left, right) for sign, (left, right) in pairs)


def parse_constraint(text: str, known: Mapping[str, Value]) -> Constraint:
    """Read comparisons of parameters and numbers, such as ``fast < slow`` or ``2 <= fast < slow``.

    Args:
        text: nothing but names, numbers and ``< <= > >= == !=``; it is never executed.
        known: every parameter with a value of its type; names that are compared must hold numbers.

    Example:
        >>> parse_constraint("fast < slow", {"fast": 1, "slow": 2}).holds({"fast": 9, "slow": 5})
        False

    Raises:
        UserError: BAD_CONSTRAINT.
    """
    parts = [part.strip() for part in re.split(r"(<=|>=|==|!=|<|>)", text)]
    operands, signs = parts[::2], parts[1::2]
    if not signs:
        raise _bad_constraint(text, "compares nothing")
    return Constraint(text, tuple(_operand(text, part, known) for part in operands), tuple(signs))


def _operand(text: str, part: str, known: Mapping[str, Value]) -> str | float:
    if re.fullmatch(_NUMBER, part):
        return float(part)
    if part not in known:
        hint = ", ".join(nearest(part, known) or known) or "no parameter"
        raise _bad_constraint(text, f"{part!r} is neither a parameter nor a number", hint)
    if isinstance(known[part], str):
        raise _bad_constraint(text, f"{part!r} is a text, which cannot be compared")
    return part


def size(axes: Sequence[Axis]) -> int | None:
    """Give the number of combinations of a grid, constraints aside; None when an axis is open."""
    return None if any(axis.is_open for axis in axes) else math.prod(len(axis.values) for axis in axes)


def grid(axes: Sequence[Axis], meets: Callable[[Row], bool]) -> list[Row]:
    """Give every combination that `meets` lets through; the last axis changes fastest.

    Example:
        >>> grid([Axis("a", (1, 2)), Axis("b", (5, 6))], lambda row: True)
        [(1, 5), (1, 6), (2, 5), (2, 6)]

    Raises:
        UserError: BAD_RANGE when an axis is open; TOO_MANY_COMBINATIONS.
    """
    count = size(axes)
    if count is None:
        axis = next(axis for axis in axes if axis.is_open)
        raise _bad_range(str(axis), "needs a step for a grid")
    if count > MOST_ROWS:
        raise UserError(
            "TOO_MANY_COMBINATIONS",
            f"the grid has {count:,} combinations",
            facts={"valid": f"up to {MOST_ROWS:,}", "of": " x ".join(f"{len(axis.values):,}" for axis in axes)},
            commands=["--method sobol --trials 1000"],
        )
    return [row for row in product(*(axis.values for axis in axes)) if meets(row)]


def sample(axes: Sequence[Axis], points: Iterator[Floats], trials: int, meets: Callable[[Row], bool]) -> list[Row]:
    """Give up to `trials` distinct combinations that `meets` lets through, from points of the unit cube.

    Fewer come out when the points end, or when block after block holds nothing new.

    Args:
        axes: one for each coordinate.
        points: blocks of points, one row a point, coordinates from 0 up to but not including 1.
        trials: how many.
        meets: says whether a combination is wanted.
    """
    found: dict[Row, None] = {}
    idle = 0
    for block in points:
        before = len(found)
        for point in block:
            row = tuple(place(axis, float(share)) for axis, share in zip(axes, point, strict=True))
            if meets(row):
                found[row] = None
            if len(found) == trials:
                return list(found)
        idle = idle + 1 if len(found) == before else 0
        if idle == _PATIENCE:
            break
    return list(found)


def place(axis: Axis, share: float) -> Value:
    """Give the value that lies at a share, from 0 up to but not including 1, of an axis."""
    if axis.is_open:
        return min(axis.high, axis.low + share * (axis.high - axis.low))
    return axis.values[min(len(axis.values) - 1, int(share * len(axis.values)))]


def random_points(dimensions: int, seed: int) -> Iterator[Floats]:
    """Draw independent points of the unit cube, block after block without end (PCG64, the same on every machine)."""
    source = np.random.Generator(np.random.PCG64(seed))
    while True:
        yield source.random((BLOCK, dimensions))


def latin_points(dimensions: int, count: int, seed: int) -> Iterator[Floats]:
    """Draw Latin hypercubes of `count` points: in every coordinate each slice of 1 / count holds one (McKay, 1979)."""
    source = np.random.Generator(np.random.PCG64(seed))
    while True:
        slices = np.stack([source.permutation(count) for _ in range(dimensions)], axis=1)
        yield (slices + source.random((count, dimensions))) / count


def _stepped(text: str, name: str, first: str, last: str, step: str | None) -> Axis:
    low, high = Decimal(first), Decimal(last)
    whole = all(re.fullmatch(r"[+-]?\d+", part) for part in (first, last, step or "1"))
    if low > high:
        raise _bad_range(text, "starts above its end")
    if step is None and not whole:
        if low == high:
            return Axis(name, (float(low),))
        return Axis(name, low=float(low), high=float(high))
    width = Decimal(step or "1")
    if width <= 0:
        raise _bad_range(text, "has a step that is not above 0")
    # Decimals, because 0.1 + 0.1 + 0.1 is not the float 0.3.
    # Compared before it is divided: the quotient of a mistyped step need not exist.
    if high - low > width * MOST_VALUES:
        raise _bad_range(text, f"has more than {MOST_VALUES:,} values")
    count = int((high - low) / width) + 1
    numbers = (low + place * width for place in range(count))
    return Axis(name, tuple(int(number) if whole else float(number) for number in numbers))


def _value(text: str) -> Value:
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(_NUMBER, text) else text


def _bad_range(text: str, what: str) -> UserError:
    return UserError(
        "BAD_RANGE",
        f"{text!r} {what}",
        facts={"received": text, "valid": "name=5..50:5 (both ends), name=0.1..0.9 (to draw from), name=a,b,c"},
    )


def _bad_constraint(text: str, what: str, near: str = "") -> UserError:
    facts = {"received": text, "valid": "names and numbers with < <= > >= == != between, as 'fast < slow'"}
    return UserError("BAD_CONSTRAINT", f"{text!r}: {what}", facts={**facts, **({"nearest": near} if near else {})})
