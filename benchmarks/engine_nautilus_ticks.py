"""Quoting on trades with NautilusTrader: run under the environment that peers.py builds, called by ticks.py.

Every print of the tape is there from both sides, and its fill model fills at a touch: so limit orders fill by trades
at their price or through it, first in their queue, as tallow's with `queue=0`. Its latency delays commands; what has
become of orders it tells at once, so this strategy counts a fill only after the latency. A second timer fires when
commands arrive: without one they reach the venue only after the next trade has been matched.
"""

import argparse
import json
import resource
import time
from decimal import Decimal
from pathlib import Path

import numpy as np

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--inputs", type=Path, required=True)
parser.add_argument("--runs", type=int, default=1)
parser.add_argument("--latency", type=int, required=True, help="microseconds, for orders and for data")
options = parser.parse_args()
started = time.perf_counter()
import pandas as pd  # noqa: E402
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig  # noqa: E402
from nautilus_trader.backtest.models import LatencyModel  # noqa: E402
from nautilus_trader.config import LoggingConfig, RiskEngineConfig  # noqa: E402
from nautilus_trader.model.currencies import BTC, USDT  # noqa: E402
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide  # noqa: E402
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId, Venue  # noqa: E402
from nautilus_trader.model.instruments import CurrencyPair  # noqa: E402
from nautilus_trader.model.objects import Money, Price, Quantity  # noqa: E402
from nautilus_trader.persistence.wranglers import TradeTickDataWrangler  # noqa: E402
from nautilus_trader.trading.strategy import Strategy  # noqa: E402

import_s = time.perf_counter() - started
TICK, LOT, MOST = 0.5, 0.01, 5
SECOND = 1_000_000_000
DELAY = options.latency * 1_000
VENUE = Venue("VENUE")
columns = {name: np.load(options.inputs / f"{name}.npy") for name in ("time", "price", "quantity", "sold")}
moments = np.load(options.inputs / "moments.npy") * 1_000
reference = np.load(options.inputs / "reference.npy")
pair = CurrencyPair(
    instrument_id=InstrumentId(Symbol("BTCUSDT"), VENUE),
    raw_symbol=Symbol("BTCUSDT"),
    base_currency=BTC,
    quote_currency=USDT,
    price_precision=1,
    size_precision=2,
    price_increment=Price(TICK, 1),
    size_increment=Quantity(LOT, 2),
    maker_fee=Decimal("0.0002"),
    taker_fee=Decimal("0.0007"),
    ts_event=0,
    ts_init=0,
)


class Quoter(Strategy):
    """Renew a bid and an offer at every moment."""

    def __init__(self):
        """Start without orders."""
        super().__init__()
        self.turn, self.sent, self.position = 0, 0, 0
        self.working, self.numbers, self.filled, self.told = [], {}, [], 0

    def on_start(self):
        """Ask for the moments, and for the times at which messages arrive."""
        for name, delay, call in (("decide", 0, self.decide), ("arrive", DELAY, self.arrive)):
            start = pd.Timestamp(int(moments[0]) + delay - SECOND, tz="UTC")
            self.clock.set_timer(name, pd.Timedelta(seconds=1), start, None, call)
        self.subscribe_trade_ticks(pair.id)

    def arrive(self, event):
        """Let the venue take what has arrived."""

    def decide(self, event):
        """Cancel and quote anew, knowing the fills that have been told by now."""
        now = event.ts_event
        while self.told < len(self.filled) and self.filled[self.told][1] + DELAY <= now:
            self.position += self.filled[self.told][3]
            self.told += 1
        for order in self.working:
            if not order.is_closed:
                self.cancel_order(order)
        self.working = []
        price = float(reference[self.turn])
        if self.position < MOST:
            self.quote(OrderSide.BUY, price - TICK)
        if self.position > -MOST:
            self.quote(OrderSide.SELL, price + TICK)
        self.turn += 1

    def quote(self, side, price):
        """Send a limit order of one lot."""
        order = self.order_factory.limit(pair.id, side, LOTS, Price(price, 1))
        self.sent += 1
        self.numbers[order.client_order_id] = self.sent
        self.working.append(order)
        self.submit_order(order)

    def on_order_filled(self, event):
        """Keep a fill: order, time, price, side, fee."""
        side = 1 if event.order_side == OrderSide.BUY else -1
        number = self.numbers[event.client_order_id]
        self.filled.append((number, event.ts_event, event.last_px.as_double(), side, event.commission.as_double()))


def prepared():
    made = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("BENCH-001"),
            logging=LoggingConfig(bypass_logging=True),
            run_analysis=False,
            risk_engine=RiskEngineConfig(bypass=True),
        )
    )
    made.add_venue(
        VENUE,
        OmsType.NETTING,
        AccountType.MARGIN,
        [Money(1e6, USDT)],
        latency_model=LatencyModel(DELAY),
        trade_execution=True,
    )
    made.add_instrument(pair)
    table = pd.DataFrame(
        {
            "price": columns["price"],
            "quantity": columns["quantity"],
            "trade_id": np.arange(len(columns["time"])),
            "buyer_maker": columns["sold"],
        },
        index=pd.to_datetime(columns["time"], unit="us", utc=True),
    )
    made.add_data(TradeTickDataWrangler(pair).process(table))
    return made


def call():
    engine.reset()
    engine.clear_strategies()
    strategy = Quoter()
    engine.add_strategy(strategy)
    cpu, begun = time.process_time(), time.perf_counter()
    engine.run()
    return (time.perf_counter() - begun, time.process_time() - cpu), strategy


LOTS = Quantity(LOT, 2)
engine = prepared()
spent, _ = call()
results = [call() for _ in range(options.runs)]
done = results[-1][1]
number, moment, price, side, fee = np.array(done.filled, np.float64).T
exact = np.array([row[1] for row in done.filled], np.int64) - moments[0]
np.save(options.inputs / "fills-nautilus.npy", np.column_stack((number, exact, np.round(price / TICK), side)))
print(
    json.dumps(
        {
            "engine": "nautilus",
            "import_s": import_s,
            "first_s": spent[0],
            "runs_s": [spent[0] for spent, _ in results],
            "cpu_s": [spent[1] for spent, _ in results],
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
            "found": [done.sent, len(number), LOT * side.sum(), -(LOT * side * price).sum(), fee.sum()],
        }
    )
)
