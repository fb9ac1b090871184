"""A strategy file as a user writes it, with tallow's averages: what the benchmark's mode ``indicators`` loads."""

from tallow.core.indicators import sma


def signals(bars, *, fast=30, slow=150):
    """Long while the fast average is above the slow one."""
    close = bars["close"].to_numpy()
    return sma(close, fast) > sma(close, slow)
