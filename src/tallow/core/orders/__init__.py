"""Orders on bars: one compiled step for backtests, with strategies in Python or compiled, and for live accounts."""

from tallow.core.orders.batch import CompiledStrategy, run_compiled
from tallow.core.orders.live import Desk, OrderEngine, run_orders

__all__ = ["CompiledStrategy", "Desk", "OrderEngine", "run_compiled", "run_orders"]
