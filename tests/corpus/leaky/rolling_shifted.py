"""Takes a trailing window and moves it into the future."""


def signals(bars, *, window=10):
    top = bars.high.rolling(window).max().shift(1 - window)
    return top > bars.close * 1.01
