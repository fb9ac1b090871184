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
    """What trials are counted on: an instrument, or several in one account, over a stretch of time.

    The length of the candles is no part of it: who has looked at the hours has seen the days.

    Attributes:
        name: of the instruments.
        start: first moment, microseconds UTC.
        end: last moment, not included.
        per_year: bars a year in the trials made here.
    """

    name: str
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
        Dataset(name='binance:BTC/USDT', start=0, end=86400000001, per_year=365.0)
    """
    first, last = (int(time[0]), int(time[-1])) if len(time) else (0, -1)
    return Dataset("+".join(sorted(map(str, instruments))), first, last + 1, timeframe.per_year)


def trial_key(strategy_hash: str, scene: Scene, parameters: Mapping[str, Value]) -> bytes:
    """Name one trial, 16 bytes: this source with these parameters, on this range and these candles, with these exits.

    Whatever a researcher may choose among makes another trial. Cash, costs, and what the venue prescribes do not; nor
    do candles that come later into a range without an end.
    """
    chosen = {name: getattr(scene.execution, name) for name in CHOSEN}
    said = [strategy_hash, dict(parameters), str(scene.timeframe), [scene.range.start, scene.range.end], chosen]
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).digest()[:16]
