"""Uses an indicator of its own in a class."""

from tallow.core.strategies import Strategy


def middle(high, low):
    return (high + low) / 2


class Middle(Strategy):
    def init(self):
        self.line = self.indicator(middle, self.bars.high, self.bars.low, lookback=5)

    def next(self):
        self.target = 1.0 if self.bars.close[-1] > self.line[-1] else 0.0
