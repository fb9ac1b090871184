"""What indicators accept: equally long float64 columns and whole, positive windows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from tallow.core.indicators.compiled import compiled
from tallow.domain.columns import Floats
from tallow.domain.errors import UserError

LARGEST = 1e150  # its square and any realistic sum of squares still fit into a float64


@compiled
def usable(value: float) -> bool:  # pragma: no cover
    """Say whether a number may enter a state: not NaN, not infinite, at most 1e150 in size."""
    return abs(value) <= LARGEST


def checked_window(value: int, name: str = "window", least: int = 1) -> int:
    """Give the window as a plain int.

    Raises:
        UserError: BAD_PARAMETER when it is no whole number or below `least`.
    """
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least:
        raise UserError(
            "BAD_PARAMETER",
            f"{name} = {value!r} is not a number of bars",
            facts={"valid": f"a whole number from {least}"},
        )
    return int(value)


def checked_columns(*columns: ArrayLike) -> Sequence[Floats]:
    """Give contiguous float64 columns.

    Raises:
        UserError: BAD_PARAMETER when one is not one-dimensional or they differ in length.
    """
    arrays = [np.ascontiguousarray(column, np.float64) for column in columns]
    shapes = {np.shape(column) for column in columns}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise UserError(
            "BAD_PARAMETER",
            "the columns of an indicator differ in shape",
            facts={"received": ", ".join(map(str, sorted(shapes))), "valid": "one dimension, equal lengths"},
        )
    return arrays
