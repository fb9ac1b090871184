"""Other futures for the same past: bars cut short, replaced after a cut, or disturbed at single bars."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tallow.domain.columns import COLUMNS, Bars, Floats

TRUNCATE = "truncate"
_BOUNCE = 64  # bars after which a path of prices comes back, so that long futures stay finite
_SEED = 20_240_229


class _Path(NamedTuple):
    """Prices relative to the last known close, and volume relative to the typical one."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    taker_share: Floats


def truncate(bars: Bars, cut: int) -> Bars:
    """Give the bars up to and including row `cut`."""
    return bars[: cut + 1]


def replace_future(bars: Bars, cut: int, name: str, count: int | None = None) -> Bars:
    """Keep the bars up to `cut` and let the future `name` follow: as many bars as there were, or at most `count`.

    Columns that are unknown (NaN) at the cut stay unknown after it.
    """
    known = cut + 1
    rest = len(bars) - known if count is None else min(count, len(bars) - known)
    path = _PATHS[name](bars, cut, rest)
    price, volume = float(bars.close[cut]), _typical(bars.volume[:known])
    traded = volume * path.volume
    spent, bought = traded * price * (path.open + path.close) / 2, traded * path.taker_share
    per_trade = volume / max(_typical(bars.trades[:known]), 1.0)
    later = {
        "open": price * path.open,
        "high": price * path.high,
        "low": price * path.low,
        "close": price * path.close,
        "volume": traded,
        "quote_volume": spent,
        "trades": np.floor(traded / per_trade),
        "taker_buy_volume": bought,
        "taker_buy_quote_volume": spent * path.taker_share,
    }
    columns = (_joined(getattr(bars, name), known, values) for name, values in later.items())
    return Bars(bars.time[: known + rest], *columns)


def _joined(column: Floats, known: int, later: Floats) -> Floats:
    return np.concatenate((column[:known], later if column[known - 1] == column[known - 1] else later * np.nan))


def disturb(bars: Bars, rows: Sequence[int], name: str) -> Bars:
    """Give the bars with only the given rows changed: ``opposite``, ``along`` or ``flat``.

    The opposite of a bar that rose is a crash and of one that fell a jump; along is the other way round; both have a
    wide range and a large volume.
    """
    at = np.asarray(rows, np.intp)
    changed = _copied(bars)
    last = bars.close[np.maximum(at - 1, 0)]
    rose = (bars.close[at] >= last) != (name == "along")
    if name == "flat":
        low = high = first = close = last
        volume = np.zeros(len(at))
    else:
        close = np.where(rose, last * 0.55, last * 1.8)
        first = last * np.where(rose, 0.97, 1.03)
        low, high = np.minimum(first, close) * 0.97, np.maximum(first, close) * 1.03
        volume = _typical(bars.volume) * np.full(len(at), 25.0)
    for column, value in zip(_moving(changed), (first, high, low, close, volume), strict=True):
        column[at] = value
    share = np.where(rose, 0.05, 0.95)
    flows = (volume * close, volume, volume * share, volume * share * close)
    for column, value in zip(_flows(changed), flows, strict=True):
        column[at] = np.where(np.isnan(column[at]), np.nan, value)
    return changed


def _copied(bars: Bars) -> Bars:
    return Bars(bars.time, *(getattr(bars, name).copy() for name in COLUMNS[1:]))


def _flows(bars: Bars) -> tuple[Floats, Floats, Floats, Floats]:
    return bars.quote_volume, bars.trades, bars.taker_buy_volume, bars.taker_buy_quote_volume


def _moving(bars: Bars) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    return bars.open, bars.high, bars.low, bars.close, bars.volume


def opposite(bars: Bars, cut: int) -> str:
    """Name the future that moves against the first bar after `cut`."""
    return "down" if bars.close[cut + 1] >= bars.close[cut] else "up"


def _down(bars: Bars, cut: int, count: int) -> _Path:
    return _trend(count, -1.0)


def _up(bars: Bars, cut: int, count: int) -> _Path:
    return _trend(count, 1.0)


def _trend(count: int, sign: float) -> _Path:
    leg = np.arange(count) % (2 * _BOUNCE)
    reach = np.minimum(leg, 2 * _BOUNCE - leg) / _BOUNCE
    close = np.exp(sign * (0.35 + 0.9 * reach))
    opened = _before(close, np.exp(sign * 0.03))
    high, low = np.maximum(opened, close) * 1.02, np.minimum(opened, close) * 0.98
    return _Path(opened, high, low, close, np.full(count, 20.0), np.full(count, 0.5 + 0.45 * sign))


def _flat(bars: Bars, cut: int, count: int) -> _Path:
    one = np.ones(count)
    return _Path(one, one, one, one, np.zeros(count), one / 2)


def _mirror(bars: Bars, cut: int, count: int) -> _Path:
    price, volume = float(bars.close[cut]), _typical(bars.volume[: cut + 1])
    later = bars[cut + 1 : cut + 1 + count]
    with np.errstate(all="ignore"):
        opened, low, high, close = (
            _known(np.clip(price / column, 1e-3, 1e3), 1.0)
            for column in (later.open, later.high, later.low, later.close)
        )
        traded = _known(later.volume / volume, 1.0)
    return _Path(opened, high, low, close, traded, np.full(count, 0.5))


def _noise(bars: Bars, cut: int, count: int) -> _Path:
    return _walk(bars, cut, count, 1.0)


def _wild(bars: Bars, cut: int, count: int) -> _Path:
    return _walk(bars, cut, count, 8.0)


def _walk(bars: Bars, cut: int, count: int, scale: float) -> _Path:
    draw = np.random.default_rng(_SEED + cut)
    with np.errstate(all="ignore"):
        moves = np.diff(np.log(bars.close[max(cut - 500, 0) : cut + 1]))
    step = float(np.nanstd(moves)) if np.isfinite(moves).any() else 0.0
    step = min(max(step, 1e-4) * scale, 0.2)
    close = np.exp(_bounded(np.cumsum(draw.normal(0.0, step, count)), 1.5))
    opened = _before(close, 1.0)
    spread = np.exp(np.abs(draw.normal(0.0, step, (2, count))))
    high, low = np.maximum(opened, close) * spread[0], np.minimum(opened, close) / spread[1]
    volume = np.exp(draw.normal(0.0, 0.5 * np.sqrt(scale), count))
    return _Path(opened, high, low, close, volume, draw.uniform(0.1, 0.9, count))


def _bounded(path: Floats, limit: float) -> Floats:
    folded: Floats = limit - np.abs((path + limit) % (4 * limit) - 2 * limit)
    return folded


def _before(close: Floats, first: float) -> Floats:
    return np.concatenate(([first], close[:-1])) if len(close) else close


def _typical(values: NDArray[np.float64]) -> float:
    positive = values[-500:][values[-500:] > 0]
    return float(positive.mean()) if len(positive) else 1.0


def _known(values: Floats, otherwise: float) -> Floats:
    return np.where(np.isfinite(values), values, otherwise)


_PATHS: dict[str, Callable[[Bars, int, int], _Path]] = {
    "down": _down, "flat": _flat, "up": _up, "mirror": _mirror, "noise": _noise, "wild": _wild,
}  # fmt: skip
FUTURES: tuple[str, ...] = tuple(_PATHS)
