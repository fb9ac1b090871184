"""Decides by the hour at which it is run."""

from datetime import UTC, datetime


def signals(bars):
    phase = datetime.now(UTC).timestamp() // 3600 % 1000
    return (bars.close // 1 + phase) % 5
