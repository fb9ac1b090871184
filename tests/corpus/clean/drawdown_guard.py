"""Steps aside in a drawdown from the highest close so far."""


def signals(bars):
    return bars.close / bars.close.cummax() > 0.93
