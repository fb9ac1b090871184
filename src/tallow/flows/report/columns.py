"""Columns packed for the page: integers on a grid, differences, variable length bytes, base64."""

import base64

import numpy as np
from numpy.typing import NDArray

from tallow.domain.columns import Bars, Floats
from tallow.domain.results import EXIT_REASONS, Result
from tallow.flows.report.figures import price_decimals

LARGEST = 2.0**48  # doubles of the page's script hold integers up to 2 ** 53 exactly; sums need room


def pack(values: NDArray[np.generic]) -> str:
    """Pack integers as base64 of zigzag, little-endian groups of seven bits.

    The script's `unpack` reads it back. Values must lie within +-2 ** 48.

    Example:
        >>> pack(np.array([0, -1, 1, 300]))
        'AAEC2AQ='
    """
    # Zigzag puts small negatives among the small numbers: 0, -1, 1, -2 become 0, 1, 2, 3.
    numbers = values.astype(np.int64)
    rest = ((numbers << 1) ^ (numbers >> 63)).astype(np.uint64)
    groups = np.empty((len(rest), 8), np.uint8)
    used = np.zeros((len(rest), 8), np.bool_)
    for place in range(8):
        used[:, place] = (rest > 0) if place else True
        groups[:, place] = (rest & np.uint64(127)) | np.where(rest > 127, np.uint64(128), np.uint64(0))
        rest >>= np.uint64(7)
    return base64.b64encode(groups[used].tobytes()).decode("ascii")


def on_grid(values: Floats, decimals: int) -> NDArray[np.int64]:
    """Round to integers in units of the last decimal.

    What is not finite takes the value before it, or the first known one; without any it is 0.
    """
    scaled = np.where(np.isfinite(values), values, 0.0) * 10.0**decimals
    known = np.isfinite(values) & (np.abs(scaled) < LARGEST)
    if not known.any():
        return np.zeros(len(values), np.int64)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return np.rint(scaled[np.where(last >= 0, last, int(np.argmax(known)))]).astype(np.int64)


def pack_column(values: Floats, decimals: int) -> dict[str, object]:
    """Pack one column of floats as differences on the grid of `decimals`."""
    return {"decimals": decimals, "deltas": pack(np.diff(on_grid(values, decimals), prepend=0))}


def pack_bars(bars: Bars, tick_size: float) -> dict[str, object]:
    """Pack times (milliseconds), prices and volumes of bars.

    Times are differences of differences, zero but at gaps. Opens are differences from the close before, closes from
    the open, highs and lows from the body: small numbers, so that an hourly bar takes about twelve bytes.
    """
    decimals = price_decimals(bars.close, tick_size)
    # Candles hang together: every price is near one already written.
    opened, high, low, close = (on_grid(getattr(bars, name), decimals) for name in ("open", "high", "low", "close"))
    before = np.concatenate([np.zeros(1, np.int64), close[:-1]])[: len(close)]
    return {
        "count": len(bars),
        "times": pack(np.diff(np.diff(bars.time // 1_000, prepend=0), prepend=0)),
        "decimals": decimals,
        "open": pack(opened - before),
        "high": pack(high - np.maximum(opened, close)),
        "low": pack(np.minimum(opened, close) - low),
        "close": pack(close - opened),
        "volume": pack_volume(bars.volume),
    }


def pack_volume(volume: Floats) -> dict[str, object]:
    """Pack volumes to four significant digits of the largest: as much as a bar of the chart can show."""
    largest = float(np.nanmax(np.where(np.isfinite(volume), volume, 0.0), initial=0.0))
    step = 10.0 ** (np.floor(np.log10(largest)) - 3) if largest > 0 else 1.0
    known = np.where(np.isfinite(volume), volume, 0.0)
    return {"step": step, "values": pack(np.rint(known / step).astype(np.int64))}


def pack_run(result: Result, decimals: int) -> dict[str, object]:
    """Pack what the run did: equity, fills and trades by column; prices of fills on a grid as fine as the bars'."""
    run = result.run
    fills, trades = run.fills, run.trades
    fine = max(decimals, 2)
    return {
        "equity": pack_column(run.equity, equity_decimals(run.equity)),
        "fills": {
            "row": pack(np.diff(fills.row, prepend=0)),
            "buy": pack(fills.quantity > 0),
            "price": pack_column(fills.price, fine),
            "quantity": [float(f"{abs(quantity):.6g}") for quantity in fills.quantity.tolist()],
            "reason": pack(fills.reason),
        },
        "trades": {
            "entry": pack(np.diff(trades.entry_row, prepend=0)),
            "length": pack(trades.exit_row - trades.entry_row),
            "entry_price": pack_column(trades.entry_price, fine),
            "exit_price": pack_column(trades.exit_price, fine),
            "won": pack(trades.profit >= 0),
        },
    }


def payload(result: Result, bars: Bars) -> dict[str, object]:
    """Collect everything that the script of the page draws; times in milliseconds."""
    packed = pack_bars(bars, result.scene.execution.tick_size)
    return {
        "drawable": is_drawable(result, bars),
        "bars": packed,
        "run": pack_run(result, int(str(packed["decimals"]))),
        "cash": result.scene.cash,
        "length": result.scene.timeframe.microseconds // 1_000,
        "hold": hold_line(result, bars),
        "reasons": EXIT_REASONS,
        "incidents": [[int(item.start) // 1_000, int(item.end) // 1_000] for item in result.incidents],
    }


def is_drawable(result: Result, bars: Bars) -> bool:
    """Say whether there is a price and an equity to draw."""
    return bool(np.isfinite(bars.close).any() and np.isfinite(result.run.equity).any())


def hold_line(result: Result, bars: Bars) -> dict[str, float] | None:
    """Describe the buy-and-hold line: cash up to row `from`, then `factor` times the close; None when undefined.

    It is scaled so that it ends at the return that the metrics state.
    """
    held = result.metrics.get("buy_hold_pct")
    closes = bars.close[np.isfinite(bars.close)]
    if held is None or not np.isfinite(held) or not len(closes) or closes[-1] <= 0:
        return None
    # With fills at the next open the first bar passes in cash.
    cash = result.scene.cash
    start = 1 if result.scene.execution.fill == "next_open" else 0
    return {"cash": cash, "from": start, "factor": cash * (1 + held / 100) / float(closes[-1])}


def hold_values(result: Result, bars: Bars) -> Floats | None:
    """Give the buy-and-hold line at every bar's close, quote units; None when it is undefined."""
    line = hold_line(result, bars)
    if line is None:
        return None
    return np.where(np.arange(len(bars)) < line["from"], line["cash"], bars.close * line["factor"])


def equity_decimals(equity: Floats) -> int:
    """Choose decimals that write an account of this size to at least six digits: 2 for 10,000, 8 for 0.01."""
    known = np.abs(equity[np.isfinite(equity)])
    largest = float(known.max(initial=0.0))
    return 2 if largest >= 1_000 or largest == 0 else int(np.clip(5 - np.floor(np.log10(largest)), 2, 8))
