"""Technical indicators: every one a compiled step, the batch form a loop over it; they look back only.

All take float64 columns and give float64 columns of the same length. Rows before the start-up is over are NaN. A
missing value (NaN, infinite, or beyond 1e150) restarts an indicator: its row is NaN, and what follows equals the
indicator of the rows after it alone. An empty column gives an empty column. The steps, for live use, are in the
modules: `state = ema_start(20)`, then `state, value = ema_step(state, price)` once per bar.
"""

from tallow.core.indicators.averages import ema, sma, wma
from tallow.core.indicators.extremes import Aroon, Donchian, aroon, donchian, rolling_max, rolling_min
from tallow.core.indicators.momentum import Macd, macd, rsi, trix
from tallow.core.indicators.oscillators import Stochastic, cci, stochastic
from tallow.core.indicators.trend import Adx, adx
from tallow.core.indicators.volatility import Bollinger, atr, bollinger, rolling_std
from tallow.core.indicators.volume import daily_vwap, obv, vwap

CAUSAL = frozenset(
    (
        adx, aroon, atr, bollinger, cci, daily_vwap, donchian, ema, macd, obv, rolling_max, rolling_min, rolling_std,
        rsi, sma, stochastic, trix, vwap, wma,
    )
)  # fmt: skip
"""The functions of this package: none of their rows depends on a later row, so one pass over all bars is safe."""

__all__ = [
    "CAUSAL", "Adx", "Aroon", "Bollinger", "Donchian", "Macd", "Stochastic", "adx", "aroon", "atr", "bollinger", "cci",
    "daily_vwap", "donchian", "ema", "macd", "obv", "rolling_max", "rolling_min", "rolling_std", "rsi", "sma",
    "stochastic", "trix", "vwap", "wma",
]  # fmt: skip
