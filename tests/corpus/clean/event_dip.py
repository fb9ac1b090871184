"""Buys dips and leaves with a gain or a loss, bar by bar."""

from tallow.core.indicators import sma
from tallow.core.strategies import Strategy


class Dip(Strategy):
    window = 30

    def init(self):
        self.average = self.indicator(sma, self.bars.close, self.window)

    def next(self):
        price = self.bars.close[-1]
        if self.position == 0 and price < 0.985 * self.average[-1]:
            self.buy()
        elif self.position > 0 and (price > 1.02 * self.entry_price or price < 0.97 * self.entry_price):
            self.close_position()
