"""A strategy file as a user writes it, with pandas: what the benchmark's mode ``pandas`` loads."""


def signals(bars, *, fast=30, slow=150):
    """Long while the fast average is above the slow one."""
    close = bars["close"]
    return close.rolling(fast).mean() > close.rolling(slow).mean()
