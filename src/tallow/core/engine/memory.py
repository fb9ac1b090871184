"""What compiled loops read and write: columns of bars, marks, and the flat form of a state."""

from typing import Any, NamedTuple, cast

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.cgutils import ir
from numba.extending import intrinsic

from tallow.core.engine.state import Bar, Order, State, Totals
from tallow.core.matching import NUMBERS, Config, Holding, Levels, Tiers, inlined
from tallow.domain.columns import Floats, Times


class Columns(NamedTuple):
    """What a loop reads: prices, volume, and per bar with funding its row and the two rates."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    funding_row: Times
    funding_open: Floats
    funding_inside: Floats


class Marks(NamedTuple):
    """What a run has for every bar: equity, position and target after it."""

    equity: Floats
    position: Floats
    target: Floats


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


@intrinsic
def fetch(typing_context: Any, array: Any, row: Any) -> Any:  # pragma: no cover
    """Ask for the memory of a row before it is needed; any number will do for the row, nothing is read."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        hint = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        place = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        read, keep, of_data = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(hint, [place, read, keep, of_data])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@inlined
def fetch_bar(columns: Columns, row: int) -> None:  # pragma: no cover
    """Ask for a bar before it is needed."""
    fetch(columns.open, row)
    fetch(columns.high, row)
    fetch(columns.low, row)
    fetch(columns.close, row)
    fetch(columns.volume, row)


@inlined
def borrow_columns(columns: Columns) -> Columns:  # pragma: no cover
    """Borrow every column."""
    return Columns(
        borrow(columns.open),
        borrow(columns.high),
        borrow(columns.low),
        borrow(columns.close),
        borrow(columns.volume),
        borrow(columns.funding_row),
        borrow(columns.funding_open),
        borrow(columns.funding_inside),
    )


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
        m[i + 8], m[i + 9], m[i + 10], m[i + 11], m[i + 12], m[i + 13], m[i + 14], None,
    )  # fmt: skip


@inlined
def load_tiered(m: Floats, at: int, tail: int) -> Config:  # pragma: no cover
    """Read a config with tiers, whose rates, amounts and largest notional are at the end of the flat numbers."""
    count = (len(m) - tail - 1) // 2
    tiers = Tiers(m[tail : tail + count], m[tail + count : tail + 2 * count], m[tail + 2 * count])
    return with_tiers(load_config(m, at), tiers)


@inlined
def with_tiers(config: Config, tiers: Tiers | None) -> Config:  # pragma: no cover
    """Give a config other tiers."""
    return Config(
        config.at_close, config.maker_fee, config.taker_fee, config.slippage, config.volume_impact, config.leverage,
        config.allow_short, config.stop_loss, config.take_profit, config.trailing_stop, config.maintenance_margin,
        config.liquidation_fee, config.min_notional, config.lot_size, config.tick_size, tiers,
    )  # fmt: skip


def flat_config(config: Config) -> list[float]:
    """Write the numbers of a config as `load_config` reads them."""
    return cast(list[float], list(config[:NUMBERS]))


def flat_tiers(config: Config) -> list[float]:
    """Write the tiers of a config as `load_tiered` reads them; nothing where there are none."""
    tiers = config.tiers
    return [] if tiers is None else [*tiers.rate.tolist(), *tiers.amount.tolist(), tiers.largest]


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
def next_paid(columns: Columns, event: int) -> int:  # pragma: no cover
    """Give the row of the next bar with funding; past the last row when there is none."""
    return columns.funding_row[event] if event < len(columns.funding_row) else len(columns.close)


@inlined
def bar_at(columns: Columns, row: int, event: int) -> Bar:  # pragma: no cover
    """Give the bar at a row; `event` is the place of the next bar with funding."""
    paid = row == next_paid(columns, event)
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
