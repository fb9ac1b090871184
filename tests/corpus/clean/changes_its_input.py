"""Writes into the frame it is given."""


def signals(bars):
    bars["range"] = bars.high - bars.low
    bars["close"] = bars.close.round(2)
    return bars["range"] > bars["range"].rolling(30).mean() * 1.5
