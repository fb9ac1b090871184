"""Bids below the market with a stop and a target, and gives up old bids."""

from tallow import Order, Side, Strategy


class Brackets(Strategy):
    def next(self):
        now, close = len(self.bars), self.bars.close[-1]
        if self.position == 0 and not self.orders():
            entry = Order(Side.BUY, 0.1, "limit", price=close * 0.995)
            self.entry, _, _ = self.bracket(entry, stop=close * 0.97, take_profit=close * 1.01)
            self.sent_at = now
        elif self.position == 0 and now - self.sent_at > 12:
            self.cancel(self.entry)
