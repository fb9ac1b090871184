"""Whether two outputs agree on the rows that both should know."""

import numpy as np
from numpy.typing import NDArray

from tallow.domain.columns import Floats
from tallow.domain.sent import Sent, sent_of

Output = Floats | Sent
"""What a strategy gives: one value a bar, or what it sent at which close."""

ABSOLUTE = 1e-12
RELATIVE = 1e-9
COARSE = 1e-6  # below this, a difference between runs of unlike length may be rounding
_SPAN = 1e3  # how far above the typical size one huge value may widen the tolerance of the others


def changed_rows(before: Output, after: Output, rows: int, relative: float = RELATIVE) -> NDArray[np.intp]:
    """Find the rows below `rows` whose two values differ.

    Values differ when they are further apart than 1e-12 + 1e-9 times the size of the output: below that lies the
    rounding of sums, transforms and linear algebra. NaN against a value is a difference; NaN against NaN, and an
    infinity against the same, is none. A missing row is a difference. Messages differ when one of them is missing or a
    number in them differs, each by its own size; ids count back from the order sent last.

    Example:
        >>> changed_rows(np.array([1.0, np.nan, 3.0]), np.array([1.0, 0.0, 4.0]), rows=2)
        array([1])
    """
    if isinstance(before, Sent) or isinstance(after, Sent):
        return _changed_messages(sent_of(before), sent_of(after), rows, relative)
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


def _changed_messages(before: Sent, after: Sent, rows: int, relative: float) -> NDArray[np.intp]:
    count = min(rows, len(after))
    (row, left), (other, right) = _first_rows(before, count), _first_rows(after, count)
    differs = np.bincount(row, minlength=count) != np.bincount(other, minlength=count)
    # What is left has equally many messages on equal rows: they stand in the same order.
    alike, left, right = row[~differs[row]], left[~differs[row]], right[~differs[other]]
    allowed = ABSOLUTE + relative * np.maximum(np.abs(left), np.abs(right))
    differs[alike[(np.abs(left - right) > allowed).any(axis=1)]] = True
    found: NDArray[np.intp] = np.flatnonzero(differs)
    return found if count == rows else np.concatenate((found, np.arange(count, rows)))


def _first_rows(sent: Sent, count: int) -> tuple[NDArray[np.int64], Floats]:
    known = sent.row < count
    return sent.row[known], sent.relative[known]


def _size(values: Floats) -> float:
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(min(sizes.max(), _SPAN * np.median(sizes))) if len(sizes) else 0.0


def change_rows(output: Output) -> NDArray[np.intp]:
    """Find the rows whose value is not that of the row before; the first row counts when it is neither 0 nor NaN.

    Of messages they are the rows at which something was sent.

    Example:
        >>> change_rows(np.array([np.nan, np.nan, 1.0, 1.0, 0.0]))
        array([2, 4])
    """
    if isinstance(output, Sent):
        return np.unique(output.row).astype(np.intp)
    if not len(output):
        return np.empty(0, np.intp)
    before = np.concatenate(([0.0 if not np.isnan(output[0]) else np.nan], output[:-1]))
    found: NDArray[np.intp] = np.flatnonzero(~((output == before) | (np.isnan(output) & np.isnan(before))))
    return found
