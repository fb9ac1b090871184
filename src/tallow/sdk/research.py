"""Backtest and check strategies from Python."""

from collections.abc import Callable, Mapping
from typing import Any

from tallow.domain.scene import Value
from tallow.sdk.frames import take_bars
from tallow.sdk.lake import Lake, open
from tallow.sdk.results import Check, Result

Code = str | Callable[..., Any] | type


def backtest(  # noqa: PLR0913 - the options of a notebook call, by name
    strategy: Code,
    symbol: str = "BTC/USDT",
    timeframe: str | None = None,
    timerange: str | None = None,
    *,
    lake: Lake | None = None,
    data: Any = None,
    params: Mapping[str, Value] | None = None,
    check: bool = True,
    cache: bool = True,
    **execution: Any,
) -> Result:
    """Run a strategy and give a `Result`.

    Args:
        strategy: path of a file, name of a built-in strategy, a function `signals(bars, ...)`, or a `Strategy` class.
        symbol: instrument, in any spelling.
        timeframe: candle length; None is what the strategy declares, else ``1h``.
        timerange: ``20240101-20240601``; everything when None.
        lake: where the candles are; the default lake when None.
        data: your own candles instead, as a frame; the result is not stored in the lake, and `timerange` is not used.
        params: parameters of the strategy.
        check: also certify that it does not see the future.
        cache: give the stored result when this very one exists.
        execution: cash, fee, slippage, fill, leverage, short, stop_loss, take_profit, trailing_stop; venue_rules, True
            for the trading rules that the lake holds, as they changed, or the path of a file with them;
            participation, the largest part of a bar's volume that orders fill, and touch_fills, whether a limit order
            fills where its price is only touched.

    Raises:
        UserError: NO_DATA, BAD_PARAMETER, ...: each says what is valid.
    """
    workspace = (lake or open()).workspace
    code = workspace.strategy(strategy, dict(params or {}))
    if data is None:
        scene = workspace.scene(code, symbol=symbol, timeframe=timeframe, timerange=timerange, **execution)
        return Result(workspace.backtest(scene, code, check=check, cache=cache), workspace)
    bars = take_bars(data)
    scene = workspace.scene(code, symbol=f"own:{symbol}", timeframe=timeframe, **execution)
    return Result(workspace.backtest_bars(scene, code, bars, check=check), workspace, bars)


def check(  # noqa: PLR0913
    strategy: Code,
    symbol: str = "BTC/USDT",
    timeframe: str | None = None,
    timerange: str | None = None,
    *,
    lake: Lake | None = None,
    data: Any = None,
    params: Mapping[str, Value] | None = None,
    venue_rules: bool | str | None = None,
) -> Check:
    """Certify that a strategy does not see the future, and find its warm-up; the arguments are those of `backtest`."""
    from tallow.flows.backtest import settling

    workspace = (lake or open()).workspace
    code = workspace.strategy(strategy, dict(params or {}))
    if data is None:
        scene = workspace.scene(code, symbol=symbol, timeframe=timeframe, timerange=timerange, venue_rules=venue_rules)
        return Check(workspace.check(scene, code), settling(scene, code, workspace.desk()))
    scene, bars = (
        workspace.scene(code, symbol=f"own:{symbol}", timeframe=timeframe, venue_rules=venue_rules),
        take_bars(data),
    )
    return Check(workspace.check(scene, code, bars), settling(scene, code, workspace.desk(), bars))


def check_label(  # noqa: PLR0913
    label: Code,
    horizon: str | int,
    symbol: str = "BTC/USDT",
    timeframe: str | None = None,
    timerange: str | None = None,
    *,
    lake: Lake | None = None,
    data: Any = None,
    params: Mapping[str, Value] | None = None,
) -> Check:
    """Certify that a label uses no bar beyond its horizon; a finding names the row of a label that does.

    Args:
        label: a function `label(bars, ...)` or a file with `signals`: one number a bar, which may look ahead.
        horizon: how far: ``4h``, or a number of bars. The label of a bar may use so many bars after it.
        symbol: instrument, in any spelling.
        timeframe: candle length.
        timerange: ``20240101-20240601``; everything when None.
        lake: where the candles are; the default lake when None.
        data: your own candles instead, as a frame.
        params: parameters of the function.

    Raises:
        UserError: BAD_PARAMETER, TOO_FEW_BARS, and those of `check`.
    """
    workspace = (lake or open()).workspace
    code = workspace.strategy(label, dict(params or {}))
    where = symbol if data is None else f"own:{symbol}"
    scene = workspace.scene(code, symbol=where, timeframe=timeframe, timerange=timerange if data is None else None)
    return Check(workspace.check(scene, code, None if data is None else take_bars(data), horizon=horizon))
