"""Slices a window around each row."""


def signals(bars):
    close = bars.close.tolist()
    return [
        float(c < sum(close[max(i - 5, 0) : i + 6]) / len(close[max(i - 5, 0) : i + 6])) for i, c in enumerate(close)
    ]
