"""In place of `from freqtrade.strategy import IStrategy`, with the two crossings that such classes often use."""

from typing import Any

from tallow.runners.adapters.freqtrade import IStrategy, crossed_above, crossed_below
from tallow.runners.adapters.refusals import not_carried_over

__all__ = ["IStrategy", "crossed_above", "crossed_below"]

_PARAMETER = "window = tallow.Int(14, 2, 50), and tallow sweep FILE window=2..50:2"
_OTHER_LENGTH = "tallow.higher(dataframe, '4h'), whose candles are shown at their close"
_ABSENT = {
    "IntParameter": _PARAMETER,
    "DecimalParameter": _PARAMETER,
    "RealParameter": _PARAMETER,
    "CategoricalParameter": _PARAMETER,
    "BooleanParameter": _PARAMETER,
    "merge_informative_pair": _OTHER_LENGTH,
    "informative": _OTHER_LENGTH,
    "stoploss_from_open": "stoploss, or --stop-loss 0.05",
    "stoploss_from_absolute": "stoploss, or --stop-loss 0.05",
}


def __getattr__(name: str) -> Any:
    """Say what to write instead of a name that has no equal here."""
    if name in _ABSENT:
        raise not_carried_over(f"freqtrade's {name}", _ABSENT[name])
    raise AttributeError(f"module 'tallow.adapters.freqtrade' has no attribute {name!r}")
