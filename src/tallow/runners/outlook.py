"""Decide on coarser bars than a run fills on: what a strategy sees, and where its decisions stand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tallow.core.strategies import DECIDE_ON, decide_at, finished, spread
from tallow.domain.columns import Bars, Times
from tallow.domain.scene import Value
from tallow.domain.timeframes import Timeframe, parse_timeframe
from tallow.runners.adapters import Setting
from tallow.runners.frames import to_floats


def parted(parameters: Mapping[str, Any]) -> tuple[dict[str, Any], Timeframe | None]:
    """Give a strategy's own parameters, and the timeframe it decides on where that is not the run's.

    Raises:
        UserError: BAD_TIMEFRAME.
    """
    own = dict(parameters)
    length = own.pop(DECIDE_ON, None)
    return own, None if length is None else parse_timeframe(length)


def joined(own: Mapping[str, Value], length: Timeframe | None) -> dict[str, Value]:
    """Give what `parted` was given, the timeframe as text."""
    return dict(own) if length is None else {**own, DECIDE_ON: str(length)}


@dataclass(frozen=True)
class Outlook:
    """What a strategy sees of the bars of a run.

    Attributes:
        bars: the run's own, or the finished candles of the timeframe it decides on.
        setting: their length and instrument.
        rows: per bar that it sees the row of the run at whose close it is known; None where both are the same.
        count: rows of the run.
    """

    bars: Bars
    setting: Setting
    rows: Times | None
    count: int

    @classmethod
    def of(cls, bars: Bars, length: Timeframe | None, setting: Setting) -> "Outlook":
        """Look at the bars of a run as they are, or as candles of `length`.

        Raises:
            UserError: CANNOT_RESAMPLE when the bars do not add up to such candles.
        """
        if length is None:
            return cls(bars, setting, None, len(bars))
        done = finished(bars, length, setting.timeframe)
        rows = np.searchsorted(done.visible, np.arange(1, len(done.candles) + 1), side="left").astype(np.int64)
        return cls(done.candles, Setting(length, setting.symbol), rows, len(bars))

    @property
    def is_empty(self) -> bool:
        """Whether no candle of a coarser timeframe has ended yet: there is nothing to ask a strategy."""
        return self.rows is not None and len(self.rows) == 0

    def lay(self, output: object) -> object:
        """Put the output of a strategy on the rows of the run.

        Raises:
            UserError: BAD_OUTPUT when it is not one number a bar.
        """
        return (
            output
            if self.rows is None
            else spread(to_floats(output, len(self.bars), finite=False), self.rows, self.count)
        )

    def ask(self, decide: Callable[[int, Any], float]) -> Callable[[int, Any], float]:
        """Let a strategy that decides bar by bar be asked at the rows of the run."""
        return decide if self.rows is None else decide_at(decide, self.rows)
