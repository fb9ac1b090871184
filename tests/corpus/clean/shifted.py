"""Acts one bar late."""


def signals(bars):
    return (bars.close > bars.close.rolling(10).mean()).shift(1).fillna(False).astype(bool)
