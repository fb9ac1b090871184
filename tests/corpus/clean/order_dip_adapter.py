"""Bids below a rising average, with a stop and a target."""

import pandas as pd

from tallow.adapters.backtesting import Strategy


class Dip(Strategy):
    window = 40

    def init(self):
        self.average = self.I(lambda close: pd.Series(close).rolling(self.window).mean(), self.data.Close)

    def next(self):
        close = float(self.data.Close[-1])
        for order in self.orders:
            if order.is_long and len(self.data) % 6 == 0:
                order.cancel()
        if not self.position and not self.orders and self.average[-1] > self.average[-2]:
            self.buy(size=0.5, limit=close * 0.996, sl=close * 0.97, tp=close * 1.02)
