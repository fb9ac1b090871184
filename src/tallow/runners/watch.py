"""Watch a strategy line by line: what each line left in its variables."""

import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd

from tallow.core.causality import Step, as_numbers
from tallow.domain.columns import Bars
from tallow.domain.errors import Error
from tallow.ports import Strategy
from tallow.runners.inline import FileStrategy

_VISITS = 2  # a line inside a loop is watched on its first turns only
_RETURN = "return"


def watch(strategy: Strategy, bars: Bars) -> tuple[Step, ...]:
    """Run a strategy and record the numbers that each of its lines left behind, in order of execution.

    Only its own file is watched; a built-in strategy, or one that raises at once, leaves nothing.
    """
    if not isinstance(strategy, FileStrategy):
        return ()
    watcher = Watcher(str(strategy.origin.path))
    before = sys.gettrace()
    sys.settrace(watcher.enter)
    try:
        strategy.decide(bars, finite=False)
    except Error:
        return tuple(watcher.steps)
    finally:
        sys.settrace(before)
    return tuple(watcher.steps)


class Watcher:
    """A trace function that records what the lines of one file leave behind."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.steps: list[Step] = []
        self.visits: dict[tuple[str, int], int] = {}
        self.line: dict[int, int] = {}

    def enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Watch the frames of the strategy's own file, but not its import."""
        if frame.f_code.co_filename != self.path or frame.f_code.co_name == "<module>":
            return None
        self.line[id(frame)] = 0
        return self.inside

    def inside(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Record what the line that has just ended left behind."""
        ended = self.line.get(id(frame), 0)
        if event in ("line", "return") and ended:
            visit = self.visits.get((frame.f_code.co_name, ended), 0)
            if visit < _VISITS:
                self.visits[frame.f_code.co_name, ended] = visit + 1
                values: Mapping[str, Any] = dict(frame.f_locals)
                self._record(ended, visit, {**values, _RETURN: argument} if event == "return" else values)
        self.line[id(frame)] = frame.f_lineno
        return self.inside

    def _record(self, line: int, visit: int, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            columns = value.items() if isinstance(value, pd.DataFrame) else [("", value)]
            for column, content in columns:
                numbers = None if isinstance(content, (str, bytes)) else as_numbers(content)
                if numbers is not None:
                    self.steps.append(Step(line, visit, f"{name}.{column}", np.array(numbers)))
