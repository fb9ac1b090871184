"""Trials: what counts as one more attempt on the same data."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tallow.domain.columns import Times
from tallow.domain.market import Instrument
from tallow.domain.scene import Scene, Value
from tallow.domain.timeframes import Timeframe

CHOSEN = ("fill", "leverage", "allow_short", "stop_loss", "take_profit", "trailing_stop")
"""Settings of the execution that a researcher chooses among; the others are what a venue asks for."""


@dataclass(frozen=True)
class Dataset:
    """What trials are counted on: one instrument or several over a stretch of time.

    The length of the candles is no part of it: who has looked at the hours has seen the days.

    Attributes:
        names: of the instruments; a trial counts on each of them.
        start: first moment, microseconds UTC.
        end: end of the last candle, not included.
        per_year: bars a year in the trials made here.
    """

    names: tuple[str, ...]
    start: int
    end: int
    per_year: float


def dataset_of(instruments: Iterable[Instrument], timeframe: Timeframe, time: Times) -> Dataset:
    """Say what a run over the bars at these times looks at.

    Example:
        >>> import numpy as np
        >>> from tallow.domain.market import parse_symbol
        >>> from tallow.domain.timeframes import parse_timeframe
        >>> dataset_of([parse_symbol("BTC/USDT")], parse_timeframe("1d"), np.array([0, 86_400_000_000]))
        Dataset(names=('binance:BTC/USDT',), start=0, end=172800000000, per_year=365.0)
    """
    start, end = (int(time[0]), timeframe.next(int(time[-1]))) if len(time) else (0, 0)
    return Dataset(tuple(sorted(map(str, instruments))), start, end, timeframe.per_year)


def trial_key(strategy_hash: str, scene: Scene, parameters: Mapping[str, Value], dataset: Dataset) -> bytes:
    """Name one trial, 16 bytes: this source with these parameters, on these candles and bars, with these exits.

    Whatever a researcher may choose among makes another trial. Cash, costs, and what the venue prescribes do not; nor
    do other words for the same bars, or candles that come later into a range whose end lay ahead.
    """
    chosen = {name: getattr(scene.execution, name) for name in CHOSEN}
    end = scene.range.end if scene.range.end <= dataset.end else None  # None: the data ended before
    said = [strategy_hash, dict(parameters), dataset.names, str(scene.timeframe), [dataset.start, end], chosen]
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).digest()[:16]
