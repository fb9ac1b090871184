"""Sealed holdouts: the last part of the data, set aside, and who has looked at it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from tallow.domain.scene import Value
from tallow.domain.timeframes import Timeframe


@dataclass(frozen=True)
class Seal:
    """What is set aside of an instrument: everything from one moment on, in candles of every length.

    Attributes:
        instrument: qualified, such as ``binance:BTC/USDT``.
        timeframe: candle length that it was named with.
        start: first moment sealed, microseconds UTC.
        sealed: when that was done.
        seen: trials made before whose bars reach beyond `start`: they may have seen it.
    """

    instrument: str
    timeframe: str
    start: int
    sealed: int
    seen: int = 0

    def limit(self, timeframe: Timeframe) -> int:
        """Give the end of the last candle of another length that holds nothing sealed.

        Example:
            >>> from tallow.domain.timeframes import DAY, parse_timeframe
            >>> Seal("binance:BTC/USDT", "1h", 11 * DAY, 0).limit(parse_timeframe("1w")) // DAY
            11
            >>> Seal("binance:BTC/USDT", "1h", 12 * DAY, 0).limit(parse_timeframe("1w")) // DAY
            11
        """
        return timeframe.floor(self.start)


@dataclass(frozen=True)
class Opening:
    """One look of one strategy version at a sealed part.

    Attributes:
        instrument: of the seal.
        start: of the seal.
        version: hash of source, parameters and candle length.
        strategy: the same in words.
        opened: when it began, before anything was computed.
        key: of the result; empty while it runs, and for ever when it was interrupted.
        number: given by the records.
    """

    instrument: str
    start: int
    version: str
    strategy: str
    opened: int
    key: str = ""
    number: int = 0


def version_of(strategy_hash: str, parameters: Mapping[str, Value], timeframe: Timeframe) -> str:
    """Name a strategy version, 64 hex digits: source, parameters and the candle length it decides on.

    Costs are no part of it: other fees are no reason for a second look.
    """
    text = json.dumps([strategy_hash, dict(parameters), str(timeframe)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
