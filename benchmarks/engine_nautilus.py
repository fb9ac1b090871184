"""The crossover on NautilusTrader: run under the environment that peers.py builds.

Market orders sent in `on_bar` fill at the close of that bar, which is the next open of these candles. Prices have six
digits, so the grid of 1/64 is exact; quantities have twelve and balances eight, so its equity may differ from the tenth
digit on. Every bar has volume for any order: it would fill the rest a tick away. The bars are made and handed over
before the timed calls; a call starts the engine anew. Modes: empty (the fastest setting that was found: averages by
numpy, no log, no risk checks, no analysis), ``indicators`` (its `SimpleMovingAverage`, the way its manual shows).
"""

import time
from decimal import Decimal

import numpy as np
import workload

options = workload.options(__doc__).parse_args()
started = time.perf_counter()
import pandas as pd  # noqa: E402
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig  # noqa: E402
from nautilus_trader.config import LoggingConfig, RiskEngineConfig  # noqa: E402
from nautilus_trader.indicators import SimpleMovingAverage  # noqa: E402
from nautilus_trader.model.currencies import BTC, USDT  # noqa: E402
from nautilus_trader.model.data import BarType  # noqa: E402
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide  # noqa: E402
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId, Venue  # noqa: E402
from nautilus_trader.model.instruments import CurrencyPair  # noqa: E402
from nautilus_trader.model.objects import Money, Price, Quantity  # noqa: E402
from nautilus_trader.persistence.wranglers import BarDataWrangler  # noqa: E402
from nautilus_trader.trading.strategy import Strategy  # noqa: E402

import_s = time.perf_counter() - started
DIGITS, LOTS, VOLUME = 6, 12, 1e9
VENUE = Venue("VENUE")
columns = workload.load(options.inputs)
pair = CurrencyPair(
    instrument_id=InstrumentId(Symbol("BTCUSDT"), VENUE),
    raw_symbol=Symbol("BTCUSDT"),
    base_currency=BTC,
    quote_currency=USDT,
    price_precision=DIGITS,
    size_precision=LOTS,
    price_increment=Price(10**-DIGITS, DIGITS),
    size_increment=Quantity(10**-LOTS, LOTS),
    maker_fee=Decimal(str(workload.FEE)),
    taker_fee=Decimal(str(workload.FEE)),
    ts_event=0,
    ts_init=0,
)
kind = BarType.from_str(f"{pair.id}-1-MINUTE-LAST-EXTERNAL")


class Crossover(Strategy):
    """Hold all while the fast average is above; keep every fill with the row that it first counts in."""

    def __init__(self, above):
        """Take one truth value a bar."""
        super().__init__()
        self.above, self.row, self.held, self.filled = above, 0, None, []

    def on_start(self):
        """Ask for the bars."""
        self.account = self.portfolio.account(VENUE)
        self.subscribe_bars(kind)

    def on_bar(self, bar):
        """Decide at the close."""
        if self.above[self.row]:
            if self.held is None:
                self.enter(bar.close)
        elif self.held is not None:
            self.leave()
        self.row += 1

    def enter(self, close):
        """Buy for all the cash, rounded down."""
        cash = self.account.balance_total(USDT).as_decimal()
        lot = Decimal(1).scaleb(-LOTS)
        size = (cash / (close.as_decimal() * (1 + pair.taker_fee))).quantize(lot, rounding="ROUND_DOWN")
        self.held = Quantity.from_str(f"{size - lot:f}")
        self.submit_order(self.order_factory.market(pair.id, OrderSide.BUY, self.held))

    def leave(self):
        """Sell all."""
        self.submit_order(self.order_factory.market(pair.id, OrderSide.SELL, self.held))
        self.held = None

    def on_order_filled(self, event):
        """Keep a fill."""
        size = event.last_qty.as_double() * (1 if event.order_side == OrderSide.BUY else -1)
        self.filled.append((self.row, size, event.last_px.as_double(), event.commission.as_double()))


class Manual(Crossover):
    """The same with the averages that NautilusTrader has."""

    def __init__(self):
        """Declare the averages."""
        super().__init__(None)
        self.quick, self.calm = (SimpleMovingAverage(window) for window in workload.PAIR)

    def on_start(self):
        """Feed the averages."""
        for line in (self.quick, self.calm):
            self.register_indicator_for_bars(kind, line)
        super().on_start()

    def on_bar(self, bar):
        """Decide at the close."""
        if self.calm.initialized and self.quick.value > self.calm.value:
            if self.held is None:
                self.enter(bar.close)
        elif self.held is not None:
            self.leave()
        self.row += 1


def prepared():
    quiet = LoggingConfig(bypass_logging=True)
    made = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("BENCH-001"),
            logging=quiet,
            run_analysis=False,
            risk_engine=RiskEngineConfig(bypass=True),
        )
    )
    made.add_venue(VENUE, OmsType.NETTING, AccountType.CASH, [Money(workload.CASH, USDT)], bar_execution=True)
    made.add_instrument(pair)
    table = {name: columns[name] for name in workload.COLUMNS[1:]} | {"volume": np.full(len(columns["time"]), VOLUME)}
    index = pd.to_datetime(columns["time"], unit="us", utc=True)
    made.add_data(BarDataWrangler(kind, pair).process(pd.DataFrame(table, index=index)))
    return made


def run():
    engine.reset()
    engine.clear_strategies()
    lines = workload.averages(columns["close"], np.array(workload.PAIR))
    fast, slow = workload.PAIR
    strategy = Manual() if options.mode == "indicators" else Crossover((lines[fast] > lines[slow]).tolist())
    engine.add_strategy(strategy)
    engine.run()
    fills = np.array(strategy.filled)
    # The row is that of the decision, at whose close it fills; equity is marked from the next one, as at its open.
    fills[:, 0] += 1
    return workload.summary_of_fills(columns["close"], fills)


engine = prepared()
workload.report("nautilus", options, import_s, run, ("nautilus_trader", "numpy", "pandas"))
