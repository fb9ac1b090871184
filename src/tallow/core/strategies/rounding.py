"""Targets that differ by rounding alone are one target: the engine would trade the difference."""

from numba import njit

from tallow.domain.columns import Floats

ROUNDING = 1e-8  # targets closer than this are the same: above what the look-ahead check forgives


@njit(cache=True, nogil=True)
def settle(targets: Floats) -> None:  # pragma: no cover
    """Put in place of a target the one kept before where they differ by rounding; NaN keeps it too.

    Example:
        >>> import numpy as np
        >>> targets = np.array([1.0, 1.0 + 1e-9, np.nan, 0.5])
        >>> settle(targets)
        >>> targets.tolist()
        [1.0, 1.0, nan, 0.5]
    """
    unsettled = False
    before, after = targets[:-1], targets[1:]
    for i in range(len(after)):
        step, size = abs(after[i] - before[i]), max(1.0, abs(before[i]))
        unsettled |= (step > 0.0) & (step <= ROUNDING * size)
    if not unsettled:
        return
    held = targets[0]
    for i in range(1, len(targets)):
        if abs(targets[i] - held) <= ROUNDING * max(1.0, abs(held)):
            targets[i] = held
        elif targets[i] == targets[i]:
            held = targets[i]
