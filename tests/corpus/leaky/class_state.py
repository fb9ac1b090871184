"""Keeps a model on a class."""


class Model:
    level = None

    @classmethod
    def fit(cls, close):
        if cls.level is None:
            cls.level = float(close.quantile(0.6))
        return cls.level


def signals(bars):
    return bars.close > Model.fit(bars.close)
