"""Filters with a Kalman filter, forwards."""


def signals(bars):
    level, spread, out = None, 1.0, []
    for price in bars.close:
        level = price if level is None else level
        spread += 0.01
        gain = spread / (spread + 0.5)
        level, spread = level + gain * (price - level), (1 - gain) * spread
        out.append(price > level)
    return out
