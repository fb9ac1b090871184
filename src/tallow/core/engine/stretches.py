"""Bars in stretches under one execution each, where the venue's trading rules change inside a run."""

from typing import NamedTuple

import numpy as np

from tallow.domain.columns import Times
from tallow.domain.scene import Execution
from tallow.domain.venue_rules import RuleBook


class Stretch(NamedTuple):
    """Rows from `start` up to, without, `stop`, and the execution in force there."""

    start: int
    stop: int
    execution: Execution


def stretches_of(time: Times, execution: Execution, rules: RuleBook | None = None) -> tuple[Stretch, ...]:
    """Cut bars where rules begin: at the first bar that opens at `valid_from` or later.

    Rules under which no bar opens have no stretch. The first stretch begins at row 0 whatever the rules in force there
    say of their beginning; without rules it is the only one. It is there even when there are no bars.

    Example:
        >>> from tallow.domain.venue_rules import VenueRules
        >>> book = RuleBook((VenueRules(0, tick_size=0.1), VenueRules(25, tick_size=0.01)))
        >>> [(one.start, one.execution.tick_size) for one in stretches_of(np.arange(5) * 10, Execution(), book)]
        [(0, 0.1), (3, 0.01)]

    Raises:
        UserError: BAD_RULES when an execution is not possible under the rules.
    """
    count = len(time)
    if rules is None:
        return (Stretch(0, count, execution),)
    starts = [0, *(int(np.searchsorted(time, one.valid_from)) for one in rules.rules[1:])]
    stops = [*starts[1:], count]
    held = [place for place, start in enumerate(starts) if start < stops[place]] or [0]
    return tuple(Stretch(starts[place], stops[place], rules.rules[place].applied_to(execution)) for place in held)
