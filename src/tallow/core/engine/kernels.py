"""The compiled loops around the step: over all bars with logs, over all bars for a summary, over one bar for live.

They are built by one function around a number made from the code they call, so that machine code kept on disk is
never used after a rule has changed. Where a scene uses none of the rarer rules, a variant with their settings fixed at
zero is built from the same source, and the compiler removes what they would cost.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from numba import njit

from tallow.core import matching
from tallow.core.engine import bits, segments
from tallow.core.engine import memory as memories
from tallow.core.engine import state as states
from tallow.core.engine import step as steps
from tallow.core.engine.fingerprints import fingerprint_of
from tallow.core.engine.memory import (
    Columns,
    bar_at,
    borrow,
    borrow_columns,
    fetch,
    fetch_bar,
    load,
    load_bar,
    load_config,
    load_tiered,
    next_paid,
    store,
)
from tallow.core.engine.segments import (
    Changes,
    Closes,
    Moments,
    Reach,
    advance,
    borrow_closes,
    borrow_decided,
    gather_quiet,
    next_event,
)
from tallow.core.engine.state import EVENTS_A_BAR, State
from tallow.core.engine.step import mark, pass_bar, step, take_target
from tallow.core.matching import NUMBERS, Config, exit_levels, inlined
from tallow.domain.columns import Floats, Times

_SIZE = states.STATE_SIZE
_TARGET_PLACE = _SIZE + NUMBERS
TIERS_PLACE = _TARGET_PLACE + 2  # behind the target and the next funding on a desk
_TARGET, _TARGET_FIRST = 2, 21
_AHEAD = 4  # changes of the target for which bars are asked for in advance
_BLOCK = 4096  # rows checked at once: they stay in the first cache, and the check runs in vector instructions


class Kernels(NamedTuple):
    """The compiled entry points; of the long loops also the variant for scenes without the rarer rules.

    Those that take a `Config` are compiled once without and once with margin tiers, those that read it from a desk
    have a variant for them.
    """

    run: Callable[..., None]
    run_plain: Callable[..., None]
    summarize: Callable[..., None]
    summarize_plain: Callable[..., None]
    path: Callable[..., int]
    path_tiered: Callable[..., int]
    live: Callable[..., None]
    live_tiered: Callable[..., None]
    relevel: Callable[..., None]
    find_bad_row: Callable[..., int]


@inlined
def plain(config: Config) -> Config:  # pragma: no cover
    """Fix what a plain scene does not use at its neutral value."""
    return Config(
        config.at_close, config.maker_fee, config.taker_fee, config.slippage, 0.0, 1.0, 0.0, 0.0,
        0.0, 0.0, config.maintenance_margin, config.liquidation_fee, 0.0, 0.0, 0.0, None,
    )  # fmt: skip


def is_plain(config: Config, columns: Columns) -> bool:
    """Say whether `plain` changes nothing, and no funding is charged."""
    same: Callable[[Config], Config] = cast(Any, plain).py_func
    return same(config) == config and len(columns.funding_row) == 0


def _build_run(fingerprint: int, is_plain: bool) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def run(
        config: Config, memory: Floats, columns: Columns, decided: tuple[Changes, Reach], log: Floats
    ) -> None:  # pragma: no cover
        """Run from the row in `memory` up to its last row, or until the log may not hold another bar."""
        _ = fingerprint
        if is_plain:
            config = plain(config)
        m, log, columns = borrow(memory), borrow(log), borrow_columns(columns)
        changes, reach = borrow_decided(decided)
        state, full = load(m), float(len(log) - EVENTS_A_BAR)
        row, place, event = int(m[_SIZE]), int(m[_SIZE + 1]), int(m[_SIZE + 2])
        count = int(m[_SIZE + 3])
        while row < count and state.totals.events <= full:
            change = changes.row[place] if place < len(changes.row) else count
            paid = next_paid(columns, event)
            if place + _AHEAD < len(changes.row):
                fetch_bar(columns, changes.row[place + _AHEAD])
            end = next_event(config, state, columns, reach, (row, min(min(change, paid), count)))
            state = mark(state, columns.close[end - 1]) if end > row else state
            row = end
            if row < count:
                target = changes.target[place] if row == change else np.nan
                state = step(config, state, bar_at(columns, row, event), target, log)
                event += int(row == paid)
                place += int(row == change)
                row += 1
        store(m, state)
        m[_SIZE], m[_SIZE + 1], m[_SIZE + 2] = row, place, event

    return cast(Callable[..., None], run)


def _build_summarize(fingerprint: int, is_plain: bool) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def summarize(
        config: Config, memory: Floats, columns: Columns, decided: tuple[Changes, Reach], closes: Closes, log: Floats
    ) -> None:  # pragma: no cover
        """Run from the row in `memory` up to its last row; leave state and moments there."""
        _ = fingerprint
        if is_plain:
            config = plain(config)
        m, log, columns, closes = borrow(memory), borrow(log), borrow_columns(columns), borrow_closes(closes)
        changes, reach = borrow_decided(decided)
        state = load(m)
        moments = Moments(m[_SIZE], m[_SIZE + 1], m[_SIZE + 2], m[_SIZE + 3], m[_SIZE + 4])
        row, place, event = int(m[_SIZE + 5]), int(m[_SIZE + 6]), int(m[_SIZE + 7])
        count = int(m[_SIZE + 8])
        while row < count:
            change = changes.row[place] if place < len(changes.row) else count
            paid = next_paid(columns, event)
            if place + _AHEAD < len(changes.row):
                later = changes.row[place + _AHEAD]
                fetch_bar(columns, later)
                fetch(closes.bits, later)
                fetch(closes.returns, later)
                fetch(closes.squares, later)
            end = next_event(config, state, columns, reach, (row, min(min(change, paid), count)))
            if end == count:
                moments = gather_quiet(moments, state, columns.close, closes, (row, end))
                state = mark(state, columns.close[end - 1])
            else:
                target = changes.target[place] if end == change else np.nan
                held = (state, moments)
                state, moments = advance(config, held, columns, closes, (row, end, event, target), log)
                event += int(end == paid)
                place += int(end == change)
            row = end + 1
        store(m, state)
        m[_SIZE], m[_SIZE + 1], m[_SIZE + 2], m[_SIZE + 3], m[_SIZE + 4] = moments
        m[_SIZE + 5], m[_SIZE + 6], m[_SIZE + 7] = count, place, event

    return cast(Callable[..., None], summarize)


def _build_path(fingerprint: int, is_tiered: bool) -> Callable[..., int]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def path(
        desk: Floats, columns: Columns, reach: Reach, log: Floats, row: int, takes: bool
    ) -> int:  # pragma: no cover
        """Pass the bar of a row, or take the target on a desk of state, config and target at its close.

        Gives the next row with an event, after -1 the first one. Rows before that one only move the mark: they need no
        call, unless a target is to be taken at one.
        """
        _ = fingerprint
        m, log, columns = borrow(desk), borrow(log), borrow_columns(columns)
        config = load_tiered(m, _SIZE, TIERS_PLACE) if is_tiered else load_config(m, _SIZE)
        state = load(m)
        event = int(m[_TARGET_PLACE + 1])
        if takes:
            state = take_target(config, state, bar_at(columns, row, event), m[_TARGET_PLACE], log)
        elif row >= 0:
            paid = row == next_paid(columns, event)
            state = pass_bar(config, state, bar_at(columns, row, event), log)
            event += int(paid)
        store(m, state)
        m[_TARGET_PLACE + 1] = event
        span = (row + 1, next_paid(columns, event))
        return next_event(config, state, columns, Reach(borrow(reach.low), borrow(reach.high)), span)

    return cast(Callable[..., int], path)


def _build_live(fingerprint: int, is_tiered: bool) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def live(desk: Floats, log: Floats, bars: Floats, marks: Floats, row: int, order: int) -> None:  # pragma: no cover
        """Do halves of steps on a desk of state, config and target.

        `order` has two digits, done from left to right: 1 passes the bar at `row`, 2 takes the target. A target that
        comes before a bar belongs to the bar before. What holds after a target is written to its row of `marks`.
        """
        _ = fingerprint
        m, log, bars, marks = borrow(desk), borrow(log), borrow(bars), borrow(marks)
        config = load_tiered(m, _SIZE, TIERS_PLACE) if is_tiered else load_config(m, _SIZE)
        state = load(m)
        if order == _TARGET_FIRST:
            row -= 1
        for half in (order // 10, order % 10):
            if half == 1:
                row += int(order == _TARGET_FIRST)
                state = pass_bar(config, state, load_bar(bars, row), log)
            elif half == _TARGET:
                state = take_target(config, state, load_bar(bars, row), m[_TARGET_PLACE], log)
                marks[row, 0] = state.equity
                marks[row, 1] = state.holding.quantity
                marks[row, 2] = state.order.target
        store(m, state)

    return cast(Callable[..., None], live)


def _build_relevel(fingerprint: int) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def relevel(config: Config, memory: Floats) -> None:  # pragma: no cover
        """Put the levels of a position where this config has them; the same config changes nothing."""
        _ = fingerprint
        m = borrow(memory)
        old = load(m)
        levels = exit_levels(config, old.holding)
        store(m, State(old.cash, old.equity, old.start_cash, old.holding, levels, old.order, old.totals))

    return cast(Callable[..., None], relevel)


@njit(cache=True, nogil=True, error_model="numpy")
def find_bad_row(time: Times, columns: Columns) -> int:  # pragma: no cover
    """Find the first row with a price that is not positive and finite, or a time that does not rise; or -1."""
    for start in range(0, len(time), _BLOCK):
        end = min(start + _BLOCK, len(time))
        bad = 0
        for i in range(start, end):
            good = (columns.open[i] > 0.0) & (columns.high[i] > 0.0) & (columns.low[i] > 0.0)
            good &= (columns.close[i] > 0.0) & (columns.open[i] < np.inf) & (columns.high[i] < np.inf)
            bad += not (good & (columns.low[i] < np.inf) & (columns.close[i] < np.inf))
        for i in range(max(start, 1), end):
            bad += time[i] <= time[i - 1]
        if bad == 0:
            continue
        for i in range(start, end):
            lowest = min(min(columns.open[i], columns.high[i]), min(columns.low[i], columns.close[i]))
            total = columns.open[i] + columns.high[i] + columns.low[i] + columns.close[i]
            if not (lowest > 0.0 and total < np.inf) or (i > 0 and time[i] <= time[i - 1]):
                return i
    return -1


FINGERPRINT = fingerprint_of(matching, bits, states, steps, memories, segments)
KERNELS = Kernels(
    _build_run(FINGERPRINT, False),
    _build_run(FINGERPRINT, True),
    _build_summarize(FINGERPRINT, False),
    _build_summarize(FINGERPRINT, True),
    _build_path(FINGERPRINT, False),
    _build_path(FINGERPRINT, True),
    _build_live(FINGERPRINT, False),
    _build_live(FINGERPRINT, True),
    _build_relevel(FINGERPRINT),
    find_bad_row,
)
