"""Sets stops by the volatility of all bars."""

import numpy as np

from tallow.adapters.backtesting import Strategy


class Stops(Strategy):
    def init(self):
        self.width = self.I(lambda close: np.full(len(close), np.std(np.diff(np.log(close)))), self.data.Close)

    def next(self):
        close = float(self.data.Close[-1])
        if len(self.data) % 50 == 0 and not self.position:
            self.buy(size=0.5, sl=close * (1 - 4 * self.width[-1]))
