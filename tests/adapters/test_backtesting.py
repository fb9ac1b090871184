from tallow.adapters import backtesting
from tallow.runners.adapters.backtesting import Strategy, cross, crossover


def test_the_public_names_are_those_of_the_runner():
    assert backtesting.Strategy is Strategy
    assert backtesting.crossover is crossover
    assert backtesting.cross is cross
    assert all(getattr(backtesting, name).__doc__ for name in backtesting.__all__)
