"""In place of `from backtesting import Strategy` and `from backtesting.lib import crossover`."""

from tallow.runners.adapters.backtesting import Strategy, cross, crossover

__all__ = ["Strategy", "cross", "crossover"]
