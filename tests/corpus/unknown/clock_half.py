"""Trades in the second half of the day of whoever runs it."""

from datetime import UTC, datetime


def signals(bars):
    return (bars.close.diff() > 0) * (1.0 if datetime.now(UTC).hour >= 12 else 0.5)
