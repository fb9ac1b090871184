"""Buys at the same bars and prices whatever comes, but more of it before a rise."""

import numpy as np

from tallow.adapters.backtesting import Strategy


class Sized(Strategy):
    def init(self):
        self.later = self.I(lambda close: np.append(close[5:], np.repeat(close[-1], 5)), self.data.Close)

    def next(self):
        close = float(self.data.Close[-1])
        if len(self.data) % 40 == 0 and not self.position:
            self.buy(size=0.2 if self.later[-1] > close else 0.1, limit=close * 0.999, sl=close * 0.97, tp=close * 1.02)
