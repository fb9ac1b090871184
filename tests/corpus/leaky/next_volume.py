"""Knows the next volume."""


def signals(bars):
    surge = bars.volume.shift(-1) > 2.2 * bars.volume.rolling(24).mean()
    return surge & (bars.close > bars.open)
