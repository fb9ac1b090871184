"""Uses dataclasses and annotations."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Rule:
    window: int
    band: float = 0.01

    def holds(self, close: pd.Series) -> pd.Series:
        return close > close.rolling(self.window).mean() * (1 + self.band)


RULES = [Rule(20), Rule(60, 0.0)]


def signals(bars: pd.DataFrame, *, needed: int = 2) -> pd.Series:
    return sum(rule.holds(bars.close).astype(int) for rule in RULES) >= needed
