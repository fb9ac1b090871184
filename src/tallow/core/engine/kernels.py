"""The compiled loops around the step: over all bars with logs, over all bars for a summary, over one bar for live.

They are built by one function around a number made from the code they call, so that machine code kept on disk is
never used after a rule has changed.
"""

import hashlib
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any, NamedTuple, cast

import numpy as np
from numba import njit
from numba.core import cgutils
from numba.extending import intrinsic

from tallow.core import matching
from tallow.core.engine import state as states
from tallow.core.engine import step as steps
from tallow.core.engine.state import EVENTS_A_BAR, Bar, Order, State, Totals
from tallow.core.engine.step import mark, pass_bar, quiet_range, step, take_target
from tallow.core.matching import Config, Holding, Levels, account_equity, inlined
from tallow.domain.columns import Floats, Times

_SIZE = states.STATE_SIZE
_TARGET_PLACE = _SIZE + len(Config._fields)
_TARGET, _TARGET_FIRST = 2, 21
_BLOCK = 4096  # rows checked at once: they stay in the first cache, and the check runs in vector instructions


class Columns(NamedTuple):
    """What a loop reads: prices, volume, targets, and per bar with funding its row and the two rates."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    target: Floats
    funding_row: Times
    funding_open: Floats
    funding_inside: Floats


class Marks(NamedTuple):
    """What a run writes for every bar, equity, position and target after it; without rows nothing is written."""

    equity: Floats
    position: Floats
    target: Floats


class Moments(NamedTuple):
    """What a summary gathers from bar to bar: peak, deepest fall, returns and their squares, bars in the market."""

    equity: float
    peak: float
    drawdown: float
    returns: float
    squares: float
    exposed: float


class Kernels(NamedTuple):
    """The compiled entry points."""

    run: Callable[..., int]
    live: Callable[..., None]
    find_bad_row: Callable[..., int]


@intrinsic
def borrow(typing_context: Any, array: Any) -> Any:  # pragma: no cover
    """View an array without owning it: counting references, atomically, costs more than a fill.

    Valid while the caller's own array lives, which is as long as the kernel it was passed to runs.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, value=arguments[0])
        view.meminfo = cgutils.get_null_value(view.meminfo.type)
        view.parent = cgutils.get_null_value(view.parent.type)
        return view._getvalue()

    return array(array), generate


@inlined
def borrow_columns(columns: Columns) -> Columns:  # pragma: no cover
    """Borrow every column."""
    return Columns(
        borrow(columns.open),
        borrow(columns.high),
        borrow(columns.low),
        borrow(columns.close),
        borrow(columns.volume),
        borrow(columns.target),
        borrow(columns.funding_row),
        borrow(columns.funding_open),
        borrow(columns.funding_inside),
    )


@inlined
def borrow_marks(marks: Marks) -> Marks:  # pragma: no cover
    """Borrow every mark."""
    return Marks(borrow(marks.equity), borrow(marks.position), borrow(marks.target))


@inlined
def load(m: Floats) -> State:  # pragma: no cover
    """Read a state from its flat numbers."""
    return State(
        m[0],
        m[1],
        m[2],
        Holding(m[3], m[4], m[5], m[6]),
        Levels(m[7], m[8], m[9]),
        Order(m[10], m[11], m[12], m[13]),
        Totals(m[14], m[15], m[16], m[17], m[18], m[19], m[20], m[21], m[22], m[23], m[24]),
    )


@inlined
def store(m: Floats, state: State) -> None:  # pragma: no cover
    """Write a state to its flat numbers."""
    m[0], m[1], m[2] = state.cash, state.equity, state.start_cash
    m[3], m[4], m[5], m[6] = state.holding
    m[7], m[8], m[9] = state.levels
    m[10], m[11], m[12], m[13] = state.order
    m[14], m[15], m[16], m[17], m[18], m[19], m[20], m[21], m[22], m[23], m[24] = state.totals


@inlined
def load_config(m: Floats, at: int) -> Config:  # pragma: no cover
    """Read a config from flat numbers."""
    i = at
    return Config(
        m[i], m[i + 1], m[i + 2], m[i + 3], m[i + 4], m[i + 5], m[i + 6], m[i + 7],
        m[i + 8], m[i + 9], m[i + 10], m[i + 11], m[i + 12], m[i + 13], m[i + 14],
    )  # fmt: skip


@inlined
def load_bar(bars: Floats, row: int) -> Bar:  # pragma: no cover
    """Read a bar from a row of a table."""
    return Bar(
        bars[row, 0],
        bars[row, 1],
        bars[row, 2],
        bars[row, 3],
        bars[row, 4],
        bars[row, 5],
        bars[row, 6],
        bars[row, 7],
        bars[row, 8],
    )


@inlined
def _next_paid(columns: Columns, event: int) -> int:  # pragma: no cover
    # The row of the next bar with funding; past the last row when there is none.
    return columns.funding_row[event] if event < len(columns.funding_row) else len(columns.close)


@inlined
def _bar(columns: Columns, row: int, event: int) -> Bar:  # pragma: no cover
    # The bar at a row; `event` is the place of the next bar with funding.
    paid = row == _next_paid(columns, event)
    return Bar(
        float(row),
        columns.open[row],
        columns.high[row],
        columns.low[row],
        columns.close[row],
        columns.volume[row],
        columns.volume[row - 1] if row > 0 else np.nan,
        columns.funding_open[event] if paid else 0.0,
        columns.funding_inside[event] if paid else 0.0,
    )


@inlined
def _gather(moments: Moments, equity: float, quantity: float) -> Moments:  # pragma: no cover
    earned = (equity - moments.equity) / moments.equity if moments.equity > 0.0 else 0.0
    peak, drawdown = moments.peak, moments.drawdown
    if equity > peak:
        peak = equity
    elif equity < peak * (1.0 - drawdown):
        drawdown = 1.0 - equity / peak
    returns, squares = moments.returns + earned, moments.squares + earned * earned
    exposed = moments.exposed + (1.0 if quantity != 0.0 else 0.0)
    return Moments(equity, peak, drawdown, returns, squares, exposed)


@inlined
def _quiet_rows(config: Config, state: State, columns: Columns, row: int, stop: int) -> int:  # pragma: no cover
    # Find the end of the stretch of bars from a row on in which the step can do no more than move the mark.
    low, high = quiet_range(config, state)
    kept, guarded = state.order.target, low > 0.0 or high < np.inf
    for i in range(row, stop):
        target = columns.target[i]
        if target != kept and target == target:
            return i
        if guarded and (
            columns.low[i] <= low or columns.open[i] <= low or columns.high[i] >= high or columns.open[i] >= high
        ):
            return i
    return stop


@inlined
def _mark_rows(state: State, columns: Columns, moments: Moments, span: tuple[int, int]) -> Moments:  # pragma: no cover
    # Gather a quiet stretch marked at every close.
    cash, quantity = state.cash, state.holding.quantity
    if quantity != 0.0:
        for i in range(span[0], span[1]):
            moments = _gather(moments, account_equity(cash, quantity, columns.close[i]), quantity)
    return moments


@inlined
def _write_rows(state: State, columns: Columns, marks: Marks, span: tuple[int, int]) -> None:  # pragma: no cover
    if len(marks.equity) == 0:
        return
    for i in range(span[0], span[1]):
        marks.equity[i] = account_equity(state.cash, state.holding.quantity, columns.close[i])
        marks.position[i] = state.holding.quantity
        marks.target[i] = state.order.target


def _build_run(fingerprint: int) -> Callable[..., int]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def run(
        config: Config, memory: Floats, columns: Columns, marks: Marks, log: Floats, row: int
    ) -> int:  # pragma: no cover
        """Run from `row` until the bars end, a target is refused, or a log with rows may not hold another bar."""
        _ = fingerprint
        m, log, columns, marks = borrow(memory), borrow(log), borrow_columns(columns), borrow_marks(marks)
        state = load(m)
        moments = Moments(m[_SIZE], m[_SIZE + 1], m[_SIZE + 2], m[_SIZE + 3], m[_SIZE + 4], m[_SIZE + 5])
        event, count = int(m[_SIZE + 6]), len(columns.close)
        full = float(len(log) - EVENTS_A_BAR) if len(log) > 0 else np.inf
        while row < count and state.totals.events <= full and state.order.refused == 0.0:
            paid = _next_paid(columns, event)
            end = _quiet_rows(config, state, columns, row, paid)
            if end > row:
                moments = _mark_rows(state, columns, moments, (row, end))
                state = mark(state, columns.close[end - 1])
                _write_rows(state, columns, marks, (row, end))
            row = end
            if row < count:
                state = step(config, state, _bar(columns, row, event), columns.target[row], log)
                moments = _gather(moments, state.equity, state.holding.quantity)
                _write_rows(state, columns, marks, (row, row + 1))
                event += int(row == paid)
                row += 1
        store(m, state)
        m[_SIZE], m[_SIZE + 1], m[_SIZE + 2], m[_SIZE + 3], m[_SIZE + 4], m[_SIZE + 5] = moments
        m[_SIZE + 6] = event
        return row

    return cast(Callable[..., int], run)


def _build_live(fingerprint: int) -> Callable[..., None]:
    @njit(cache=True, nogil=True, error_model="numpy")
    def live(desk: Floats, log: Floats, bars: Floats, marks: Floats, row: int, order: int) -> None:  # pragma: no cover
        """Do halves of steps on a desk of state, config and target.

        `order` has two digits, done from left to right: 1 passes the bar at `row`, 2 takes the target. A target that
        comes before a bar belongs to the bar before. What holds after a target is written to its row of `marks`.
        """
        _ = fingerprint
        m, log, bars, marks = borrow(desk), borrow(log), borrow(bars), borrow(marks)
        config, state = load_config(m, _SIZE), load(m)
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


def _fingerprint(*modules: ModuleType) -> int:
    # A number that changes with the code or the constants of any function in these modules.
    seen = hashlib.sha256()
    for module in modules:
        for name, value in sorted(vars(module).items()):
            function = getattr(value, "py_func", None)
            if isinstance(value, int | float):
                seen.update(f"{name}={value!r}".encode())
            elif function is not None:
                seen.update(_code_bytes(function.__code__))
    return int.from_bytes(seen.digest()[:7], "big")


def _code_bytes(code: CodeType) -> bytes:
    constants = [value for value in code.co_consts if not isinstance(value, CodeType)]
    return repr((code.co_name, code.co_code, constants, code.co_names, code.co_varnames)).encode()


_FINGERPRINT = _fingerprint(matching, states, steps)
KERNELS = Kernels(_build_run(_FINGERPRINT), _build_live(_FINGERPRINT), find_bad_row)
