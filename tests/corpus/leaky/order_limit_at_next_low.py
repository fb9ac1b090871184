"""Bids at the low of the next bar."""

import numpy as np

from tallow.adapters.backtesting import Strategy


class Bid(Strategy):
    def init(self):
        self.low = self.I(lambda low: np.append(low[1:], low[-1]), self.data.Low)

    def next(self):
        for order in self.orders:
            order.cancel()
        if self.position:
            self.position.close()
        elif len(self.data) % 9 == 0:
            self.buy(size=1, limit=self.low[-1] * 1.0001)
