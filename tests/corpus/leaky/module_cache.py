"""Keeps statistics of the first bars it ever saw in the module."""

_KNOWN = {}


def signals(bars):
    if "mean" not in _KNOWN:
        _KNOWN["mean"] = bars.close.mean()
    return bars.close < _KNOWN["mean"]
