"""Check the weights of a portfolio for look-ahead, on the very bars of its result."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from tallow.core.causality import Effort, Subject
from tallow.core.portfolio import Calendar, EveryBars, align, certify_weights
from tallow.core.portfolio.causality import joint_run
from tallow.core.portfolio.rules import decision_rows
from tallow.domain.columns import Bars, Floats
from tallow.domain.evidence import Certificate
from tallow.domain.ranges import iso
from tallow.domain.timeframes import Timeframe
from tallow.flows.backtest import Desk
from tallow.flows.portfolio.values import Book

_EXTRA, _LIMIT = 0.2, 600.0  # seconds for the look-ahead check: beyond what it needs, and in all


def certified(book: Book, bars: Mapping[str, Bars], length: Timeframe, desk: Desk) -> Certificate:
    """Certify the weights that are carried out."""
    desk.progress("checking for look-ahead", 0, 1)
    began = desk.clock.monotonic()
    first = min(int(own.time[0]) for own in bars.values())
    counted = f"{sum(map(len, bars.values())):,} bars from {iso(first)}"
    subject = Subject(source=book.weights.source, file=book.weights.file, data=f"{', '.join(bars)} {length}, {counted}")
    effort = Effort(
        extra_left=lambda: began + _EXTRA - desk.clock.monotonic(),
        limit_left=lambda: began + _LIMIT - desk.clock.monotonic(),
    )
    moved = [replace(book, weights=weights) for weights in book.weights.with_clock_moved()]
    if moved:
        base = in_force(book, length, bars)
        subject = replace(
            subject, clock_moved=[joint_run(partial(in_force, other, length), bars, base) for other in moved]
        )
    found = certify_weights(partial(in_force, book, length), bars, subject=subject, effort=effort)
    desk.progress("checking for look-ahead", 1, 1)
    return found


def in_force(book: Book, timeframe: Timeframe, bars: Mapping[str, Bars]) -> Floats:
    """Give the weights that are carried out: where a rule decides at certain rows alone, those of its last decision.

    A weight that is there between two decisions only is never traded; to change the future at each of its changes as
    well would take hours.
    """
    table, rule = book.weights.weigh(bars, timeframe), book.rules.rebalance
    if not isinstance(rule, EveryBars | Calendar):
        return table
    panel, rows = align(bars, timeframe=timeframe), np.arange(len(table))
    kept = np.where(np.isnan(table), -1, rows[:, None])
    last = np.maximum.accumulate(kept, axis=0)
    known = np.where(last >= 0, np.take_along_axis(table, np.maximum(last, 0), axis=0), 0.0)
    decided = decision_rows(rule, table, panel.time, panel.length)
    found: Floats = known[decided[np.searchsorted(decided, rows, side="right") - 1]]
    return found
