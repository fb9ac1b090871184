"""Sees a turn of TRIX one bar late."""


def signals(bars):
    line = bars.close
    for _ in range(3):
        line = line.ewm(span=9, adjust=False).mean()
    line = line.pct_change()
    trough = (line.shift(1) < line.shift(2)) & (line > line.shift(1))
    peak = (line.shift(1) > line.shift(2)) & (line < line.shift(1))
    side = trough.astype(float) - peak.astype(float)
    return side.where(side != 0).ffill().clip(lower=0)
