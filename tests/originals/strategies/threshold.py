"""Mistake 6: a threshold, to be chosen and praised on the same rows."""


def signals(bars, *, level=0.0):
    return (bars["close"].pct_change(3) > level).astype(float)
