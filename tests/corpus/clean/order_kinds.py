"""Uses every kind of order, and targets between them."""

from tallow import Order, Side, Strategy


class Kinds(Strategy):
    def next(self):
        now, close = len(self.bars), self.bars.close[-1]
        if now < 30:
            return
        if now % 90 == 0:
            self.target = 0.5 if now % 180 else 0.0
        elif now % 45 == 0:
            self.submit(Order(Side.BUY, 0.02, "stop_limit", trigger=close * 1.01, price=close * 1.015))
        elif now % 30 == 0:
            self.submit(Order(Side.BUY, 0.02, "limit", price=close * 1.001, validity="ioc"))
            self.submit(Order(Side.BUY, 0.02, "limit", price=close * 0.99, validity="post_only"))
        elif now % 15 == 0 and self.position > 0:
            until = int(self.bars.time[-1]) + 10 * 3_600_000_000
            self.submit(Order(Side.SELL, 0.02, "trailing_stop", trail=0.02, good_till=until, reduce_only=True))
        elif len(self.orders()) > 10:
            for order in self.orders():
                self.cancel(order.id)
