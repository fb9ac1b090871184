"""Finds the turning points of TRIX by the bar after them."""


def trix(close, span):
    once = close.ewm(span=span, adjust=False).mean()
    twice = once.ewm(span=span, adjust=False).mean()
    return twice.ewm(span=span, adjust=False).mean().pct_change() * 100


def signals(bars, *, span=9):
    line = trix(bars.close, span).fillna(0).tolist()
    side, out = 0, []
    for t in range(len(line)):
        if 0 < t < len(line) - 1:
            if line[t] < line[t - 1] and line[t] < line[t + 1]:
                side = 1
            elif line[t] > line[t - 1] and line[t] > line[t + 1]:
                side = 0
        out.append(side)
    return out
