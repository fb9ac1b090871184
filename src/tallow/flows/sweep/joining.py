"""Join the orders of the tests of a walk forward in one account: no order of one choice outlives it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tallow.core.decisions import Outcome, carry_out
from tallow.core.engine import Market, prepare
from tallow.domain.columns import Bars, Floats, FundingRates
from tallow.domain.orders import KINDS, OrderLog
from tallow.domain.scene import Scene
from tallow.domain.sent import MESSAGE, Decisions, Sent, sent_of

_CANCELS, _KIND, _GROUP, _PARENT = (MESSAGE.index(name) for name in ("cancels", "kind", "group", "parent"))

Ask = Callable[[float, int], Decisions]
"""Gives the decisions of a choice with this cash, asked from this row of its own bars on."""


class Part(NamedTuple):
    """What one choice trades in: rows of the whole bars, and who is asked; None where nothing was chosen."""

    train: range
    test: range
    ask: Ask | None


def join_orders(parts: Sequence[Part], bars: Bars, scene: Scene, funding: FundingRates | None) -> Sent:
    """Give the messages of one account that trades all tests, a choice after the other.

    At the last close of a test everything that works is cancelled and the position is closed by a market order, so that
    the next choice begins flat: with what is left as its cash, asked for the first time at the first close of its test
    at which the account is flat. Its bars begin with its training stretch.

    Args:
        parts: in time order; the tests follow each other without a gap.
        bars: of all of them.
        scene: cash, execution and terms.
        funding: rates that longs pay to shorts.

    Raises:
        UserError: what asking or carrying out raises.
    """
    start = parts[0].test.start
    market = prepare(bars[start : parts[-1].test.stop], funding)
    joined = _Joined(market, scene)
    for part in parts:
        first, stop = part.test.start - start, part.test.stop - start
        begins = joined.begins(first, stop)
        if part.ask is not None and begins is not None:
            row, cash = begins
            asked = row + start - part.train.start
            joined.add(sent_of(part.ask(cash, asked)).since(asked), row, stop - (stop < len(market)))
        if stop < len(market):
            joined.end(stop - 1)
    return joined.sent


class _Joined:
    """The messages so far, and what they do."""

    def __init__(self, market: Market, scene: Scene) -> None:
        self._market, self._scene = market, scene
        self.sent = Sent(np.zeros(0, np.int64), np.zeros((0, len(MESSAGE))), len(market))

    def _carried_out(self) -> Outcome:
        scene = self._scene
        return carry_out(self._market, self.sent, scene.execution, cash=scene.cash, terms=scene.terms)

    def begins(self, first: int, stop: int) -> tuple[int, float] | None:
        """Give the first flat close of a test and the cash there; None when there is none, or nothing is left."""
        done = self._carried_out().run
        flat = np.flatnonzero(done.position[first:stop] == 0.0)
        if not len(flat) or not done.equity[first + flat[0]] > 0.0:
            return None
        return first + int(flat[0]), float(done.equity[first + flat[0]])

    def add(self, part: Sent, row: int, stop: int) -> None:
        """Add messages that were sent from a row on, those before `stop`; their ids follow those of the others."""
        rows, message = part.row + row, part.message.copy()
        before = int(np.count_nonzero(self.sent.column("cancels") == 0))
        for column, sign in ((_CANCELS, 1), (_CANCELS, -1), (_PARENT, 1), (_GROUP, -1)):
            message[sign * part.message[:, column] > 0, column] += sign * before
        self._extend(rows[rows < stop], message[rows < stop])

    def end(self, row: int) -> None:
        """Cancel at a close what works there, and close the position."""
        done, log = self._carried_out()
        working = _working_at(log, row) if log is not None else []
        message = np.zeros((len(working) + (done.position[row] != 0.0), len(MESSAGE)))
        message[: len(working), _CANCELS] = working
        message[len(working) :, _KIND] = KINDS.index("target")
        self._extend(np.full(len(message), row, np.int64), message)

    def _extend(self, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]", message: Floats) -> None:
        sent = self.sent
        self.sent = Sent(np.concatenate((sent.row, rows)), np.concatenate((sent.message, message)), sent.count)


def _working_at(log: OrderLog, row: int) -> list[int]:
    works = (log.row <= row) & ((log.end_row < 0) | (log.end_row > row))
    ids: list[int] = log.id[works].tolist()
    return ids
