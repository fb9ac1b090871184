"""A run that keeps what happened, and works out a mark for every bar when somebody asks for them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numba import njit

from tallow.core import matching
from tallow.core.engine import memory
from tallow.core.engine.fingerprints import fingerprint_of
from tallow.core.engine.logs import fill_log, name_events, trade_log
from tallow.core.engine.memory import borrow
from tallow.core.engine.segments import Changes
from tallow.core.engine.state import STATE_SIZE, State
from tallow.core.matching import account_equity
from tallow.domain.columns import Floats, Times
from tallow.domain.errors import UserError
from tallow.domain.results import Ints, Path, Run


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stood before its last bar, and what had happened by then.

    Attributes:
        memory: flat state and places, as the loop stores them.
        events: its log.
        cash: starting balance.
    """

    memory: Floats
    events: Floats
    cash: float

    @property
    def rows(self) -> int:
        """Bars passed."""
        return int(self.memory[STATE_SIZE])


class TracedRun(Run):
    """A `Run` whose equity, position and target are computed once each, when first read."""

    def __init__(self, path: Path, changes: Changes, checkpoint: Checkpoint | None, **known: Any) -> None:
        self.__dict__.update(known, _path=path, _changes=changes, _checkpoint=checkpoint)

    @property
    def checkpoint(self) -> Checkpoint:
        """Where `extend` continues; a run that a strategy decided bar by bar has none.

        Raises:
            UserError: BAD_SETTING when there is none.
        """
        found: Checkpoint | None = self.__dict__["_checkpoint"]
        if found is None:
            raise UserError(
                "BAD_SETTING", "a run decided bar by bar cannot be continued: the strategy's state is not kept"
            )
        return found

    @property
    def path(self) -> Path:
        """The account from event to event."""
        path: Path = self.__dict__["_path"]
        return path

    @property
    def exposed_bars(self) -> int:
        """Bars that close with a position."""
        return int(_lengths(self.path.row, len(self.path.close))[self.path.quantity != 0.0].sum())

    @cached_property
    def equity(self) -> Floats:
        """Value of the account at every bar's close."""
        return equity_of(self.path)

    @cached_property
    def position(self) -> Floats:
        """Signed base quantity held at every bar's close."""
        return spread(self.path.row, self.path.quantity, len(self.path.close))

    @cached_property
    def target(self) -> Floats:
        """What the strategy asked for at every bar's close."""
        changes: Changes = self.__dict__["_changes"]
        row, value = np.append(0, changes.row), np.append(0.0, changes.target)
        return spread(row, value, len(self.path.close))


def trace(
    time: Times, close: Floats, changes: Changes, events: Floats, end: tuple[State, float, Checkpoint | None]
) -> TracedRun:
    """Put the events of a run together; `end` is the last state, the starting cash, and where it can be continued."""
    (state, cash, checkpoint), named = end, name_events(events)
    path = Path(
        close,
        np.append(0, named["row"].astype(np.int64)),
        np.append(cash, named["cash"]),
        np.append(0.0, named["position"]),
    )
    return TracedRun(
        path,
        changes,
        checkpoint,
        time=time,
        fills=fill_log(named, time),
        trades=trade_log(named, time, cash, float(close[-1]) if len(close) else 0.0),
        ambiguous_bars=int(state.totals.ambiguous),
        rejected_orders=int(state.totals.rejected),
    )


def _lengths(row: Ints, count: int) -> Ints:
    return np.diff(np.append(row, count))


def spread(row: Ints, value: Floats, count: int) -> Floats:
    """Give the value in force at every row; of equal rows the last counts."""
    return np.repeat(value, _lengths(row, count))


def _build_equity(fingerprint: int) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def equity(close: Floats, row: Ints, cash: Floats, quantity: Floats, line: Floats) -> None:  # pragma: no cover
        """Write the mark of every close to `line`."""
        _ = fingerprint
        close, line = borrow(close), borrow(line)
        for k in range(len(row)):
            end = row[k + 1] if k + 1 < len(row) else len(close)
            part, marks, balance, held = close[row[k] : end], line[row[k] : end], cash[k], quantity[k]
            for i in range(len(part)):
                marks[i] = account_equity(balance, held, part[i])

    return cast(Callable[..., None], equity)


_equity = _build_equity(fingerprint_of(matching, memory))


def equity_of(path: Path) -> Floats:
    """Give the equity at every close."""
    line = np.empty(len(path.close))
    _equity(*path, line)
    return line
