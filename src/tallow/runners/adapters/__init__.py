"""Strategies written for other frameworks, run as they are: classes in the shape that those frameworks ask for.

Each module has the class to derive from, `decider(strategy, parameters, bars, setting)` and `declared(strategy,
parameters)`. What cannot be carried over raises NOT_CARRIED_OVER with the method and what to write instead.
"""

from collections.abc import Mapping
from typing import Any, cast

from tallow.core.strategies import Decide, Outbox
from tallow.domain.columns import Bars
from tallow.domain.scene import Execution
from tallow.runners.adapters import backtesting, freqtrade
from tallow.runners.adapters.refusals import Setting, not_carried_over

PROTOCOLS = (backtesting.Strategy, freqtrade.IStrategy)
"""Classes whose subclasses are strategies."""

__all__ = ["PROTOCOLS", "Setting", "decider", "declared", "not_carried_over"]


def decider(
    strategy: type,
    parameters: Mapping[str, object],
    bars: Bars,
    setting: Setting,
    desk: tuple[Outbox, Execution] | None = None,
) -> Decide:
    """Set up a strategy of another framework on bars, and give the function that decides row after row.

    What it sends goes to the outbox of `desk`, under the costs beside it.

    Raises:
        UserError: NOT_CARRIED_OVER, UNKNOWN_PARAMETER, BAD_PARAMETER, BAD_OUTPUT or BAD_STRATEGY.
    """
    if issubclass(strategy, freqtrade.IStrategy):
        return freqtrade.decider(strategy, parameters, bars, setting)
    return backtesting.decider(cast("type[backtesting.Strategy]", strategy), parameters, bars, desk)


def declared(strategy: type) -> dict[str, Any]:
    """Give the options of a run that a strategy sets itself, such as `stop_loss` and `timeframe`.

    Raises:
        UserError: NOT_CARRIED_OVER or BAD_STRATEGY.
    """
    return freqtrade.declared(strategy) if issubclass(strategy, freqtrade.IStrategy) else {}
