"""Caches by the content of the bars it is given."""

_SEEN = {}


def signals(bars, *, span=20):
    key = (len(bars), float(bars.close.iloc[0]), float(bars.close.sum()), span)
    if key not in _SEEN:
        _SEEN[key] = bars.close.ewm(span=span).mean()
    return bars.close > _SEEN[key]
