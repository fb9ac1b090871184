"""What every score checks of what it is given."""

import numpy as np

from tallow.domain.columns import Floats
from tallow.domain.errors import UserError

MOST = 2**63 - 1  # what a compiled kernel can be given


def checked_returns(returns: Floats) -> Floats:
    """Give the returns as one row of float64.

    Raises:
        UserError: BAD_PARAMETER when they have another shape, or a value is NaN or infinite.
    """
    row = np.ascontiguousarray(returns, np.float64)
    if row.ndim != 1:
        raise bad("returns", f"an array of {row.ndim} dimensions", "one dimension: a fraction a row, 0.01 is 1 %")
    wrong = np.flatnonzero(~np.isfinite(row))
    if len(wrong):
        raise bad("returns", f"{row[wrong[0]]} at row {wrong[0]}", "finite fractions: 0.01 is 1 %")
    return row


def check_least(name: str, value: float, least: float) -> None:
    """Refuse a number below `least`, NaN and infinity.

    Raises:
        UserError: BAD_PARAMETER.
    """
    if not least <= value < np.inf:
        raise bad(name, value, f"at least {least:g}")


def check_count(name: str, value: int, least: int) -> None:
    """Refuse what is no whole number from `least` to 2^63 - 1.

    Raises:
        UserError: BAD_PARAMETER.
    """
    if not isinstance(value, int | np.integer) or not least <= value <= MOST:
        raise bad(name, value, f"a whole number, at least {least}")


def check_fraction(name: str, value: float) -> None:
    """Refuse a number that does not lie between 0 and 1.

    Raises:
        UserError: BAD_PARAMETER.
    """
    if not 0.0 < value < 1.0:
        raise bad(name, value, "between 0 and 1, both excluded")


def bad(name: str, value: object, valid: str) -> UserError:
    """Build the error for a value that makes no sense."""
    return UserError("BAD_PARAMETER", f"{name} cannot be {value}", facts={"valid": valid})
