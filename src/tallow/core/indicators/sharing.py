"""Indicators computed once for many uses of the same columns: what a sweep does for the functions of this package."""

import functools
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import numpy as np

from tallow.domain.columns import Floats

P = ParamSpec("P")
R = TypeVar("R")

LINE_BYTES = 128_000_000
FEWEST_LINES = 4
Key = tuple[object, ...]


class LineStore:
    """Indicator lines over the columns of one series; the least recently used are forgotten first.

    Attributes:
        capacity: lines held at most: as many as fit into `LINE_BYTES`, at least `FEWEST_LINES`.
        computed: indicators computed so far.
    """

    def __init__(self, columns: Sequence[Floats]) -> None:
        # The columns are kept, so that no other array can come to lie at their places.
        self._columns = {_place(column): column for column in columns}
        self.capacity = max(FEWEST_LINES, LINE_BYTES // (8 * max(1, max(map(len, columns), default=1))))
        self.computed = 0
        self._held: OrderedDict[Key, Any] = OrderedDict()
        self._sums: dict[Key, Any] = {}
        self._left: list[Floats] = []

    def key(
        self, function: Callable[..., Any], arguments: tuple[object, ...], options: dict[str, object]
    ) -> Key | None:
        """Name a call; None when an argument is no column of the series and no plain value."""
        parts: list[object] = [function]
        for argument in (*arguments, *(item for pair in sorted(options.items()) for item in pair)):
            if isinstance(argument, int | float | str):
                parts.append((type(argument), argument))
                continue
            place = _place(np.asarray(argument))
            if place not in self._columns:
                return None
            parts.append(place)
        return tuple(parts)

    def call(self, indicator: Callable[..., R], *arguments: Any) -> R:
        """Give what an indicator makes of columns of the series and parameters."""
        bare: Callable[..., R] = getattr(indicator, "__wrapped__", indicator)
        key = self.key(bare, arguments, {})
        with sharing(self):
            return bare(*arguments) if key is None else self.line(key, lambda: bare(*arguments))

    def line(self, key: Key, compute: Callable[[], R]) -> R:
        """Give what was computed under a key, read-only, or compute it."""
        # Several threads may ask at once, so a line can be forgotten between two statements, or computed twice.
        found: R | None = self._held.pop(key, None)
        if found is None:
            found = _locked(compute())
            self.computed += 1
        self._held[key] = found
        while len(self._held) > self.capacity:
            self._forget()
        return found

    def sums(self, key: Key, compute: Callable[[], R]) -> R:
        """Give what lines are made from: kept as long as the store, because every line over the column needs it."""
        found: R | None = self._sums.get(key)
        if found is None:
            found = self._sums[key] = _locked(compute())
        return found

    def memory(self, rows: int) -> Floats:
        """Give memory for a line: what one that was forgotten left, or new memory, which costs more to touch."""
        try:
            left = self._left.pop()
        except IndexError:
            return np.empty(rows)
        return left if len(left) == rows else np.empty(rows)

    def _forget(self) -> None:
        _, line = self._held.popitem(last=False)
        # Memory of its own, no view of another array, that nobody else has.
        owned = type(line) is np.ndarray and line.ndim == 1 and line.flags.owndata and line.dtype == np.float64
        if owned and not self._left and sys.getrefcount(line) == _UNSHARED:
            line.flags.writeable = True
            self._left.append(line)


def _count_unshared() -> int:
    # What Python counts where nobody else has an array depends on its version.
    _, line = OrderedDict(one=np.empty(1)).popitem(last=False)
    return sys.getrefcount(line)


_UNSHARED = _count_unshared()
_STORE: ContextVar[LineStore | None] = ContextVar("store", default=None)


@contextmanager
def sharing(store: LineStore | None) -> Iterator[None]:
    """Let indicators take their lines from a store, within a `with` block; None lets them compute anew."""
    token = _STORE.set(store)
    try:
        yield
    finally:
        _STORE.reset(token)


def shared(function: Callable[P, R]) -> Callable[P, R]:
    """Let an indicator take its line from the store in force, if its columns are those of the store."""

    @functools.wraps(function)
    def call(*arguments: P.args, **options: P.kwargs) -> R:
        store = _STORE.get()
        key = None if store is None else store.key(function, arguments, options)
        if store is None or key is None:
            return function(*arguments, **options)
        return store.line(key, lambda: function(*arguments, **options))

    return call


def held(compute: Callable[[Floats], R], column: Floats) -> R | None:
    """Give what lines are made from, from the store in force; None where the column is none of its own."""
    store = _STORE.get()
    key = None if store is None else store.key(compute, (column,), {})
    return None if store is None or key is None else store.sums(key, lambda: compute(column))


def line_memory(rows: int) -> Floats:
    """Give memory for a line, from the store in force if there is one."""
    store = _STORE.get()
    return np.empty(rows) if store is None else store.memory(rows)


def _place(values: np.ndarray[Any, Any]) -> Key:
    # Where numbers lie and how: two arrays with the same place are the same numbers.
    return (values.__array_interface__["data"][0], values.shape, values.strides, values.dtype.str)


def _locked(lines: R) -> R:
    parts: tuple[Any, ...] = lines if isinstance(lines, tuple) else (lines,)
    for line in parts:
        if isinstance(line, np.ndarray):
            line.flags.writeable = False
    return lines
