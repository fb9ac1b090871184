"""Whether two outputs agree on the rows that both should know."""

import numpy as np
from numpy.typing import NDArray

from tallow.domain.columns import Floats

ABSOLUTE = 1e-12
RELATIVE = 1e-9
COARSE = 1e-6  # below this, a difference between runs of unlike length may be rounding
_SPAN = 1e3  # how far above the typical size one huge value may widen the tolerance of the others


def changed_rows(before: Floats, after: Floats, rows: int, relative: float = RELATIVE) -> NDArray[np.intp]:
    """Find the rows below `rows` whose two values differ.

    Values differ when they are further apart than 1e-12 + 1e-9 times the size of the output: below that lies the
    rounding of sums, transforms and linear algebra. NaN against a value is a difference; NaN against NaN, and an
    infinity against the same, is none. A missing row is a difference.

    Example:
        >>> changed_rows(np.array([1.0, np.nan, 3.0]), np.array([1.0, 0.0, 4.0]), rows=2)
        array([1])
    """
    count = min(rows, len(after))
    left, right = before[:count], after[:count]
    differs = ~((left == right) | (np.isnan(left) & np.isnan(right)))
    if differs.any():
        with np.errstate(invalid="ignore"):
            apart = np.abs(left - right)
            allowed = ABSOLUTE + relative * np.maximum(np.maximum(np.abs(left), np.abs(right)), _size(before))
            differs &= ~(np.isfinite(apart) & (apart <= allowed))
    found: NDArray[np.intp] = np.flatnonzero(differs)
    return found if count == rows else np.concatenate((found, np.arange(count, rows)))


def _size(values: Floats) -> float:
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(min(sizes.max(), _SPAN * np.median(sizes))) if len(sizes) else 0.0


def change_rows(output: Floats) -> NDArray[np.intp]:
    """Find the rows whose value is not that of the row before; the first row counts when it is neither 0 nor NaN.

    Example:
        >>> change_rows(np.array([np.nan, np.nan, 1.0, 1.0, 0.0]))
        array([2, 4])
    """
    if not len(output):
        return np.empty(0, np.intp)
    before = np.concatenate(([0.0 if not np.isnan(output[0]) else np.nan], output[:-1]))
    found: NDArray[np.intp] = np.flatnonzero(~((output == before) | (np.isnan(output) & np.isnan(before))))
    return found
