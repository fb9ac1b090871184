"""Takes a bid back when the next bar would fill it before a fall."""

import numpy as np

from tallow.adapters.backtesting import Strategy


class Withdraws(Strategy):
    def init(self):
        self.ahead = self.I(lambda close: np.append(close[1:], close[-1]) / close, self.data.Close)

    def next(self):
        close = float(self.data.Close[-1])
        for order in self.orders:
            if order.is_long and self.ahead[-1] < 0.995:
                order.cancel()
        if not self.position and not self.orders:
            self.buy(size=0.3, limit=close * 0.995, sl=close * 0.97, tp=close * 1.02)
