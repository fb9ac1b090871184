"""Run classes in the shape of freqtrade: `populate_indicators`, `populate_entry_trend`, `populate_exit_trend`."""

from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tallow.core.strategies import Account, Decide, Orders, bind
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.runners.adapters.refusals import Setting, not_carried_over
from tallow.runners.frames import TIMEFRAME, to_frame

Mask = NDArray[np.bool_]

_METHODS = ("populate_indicators", "populate_entry_trend", "populate_exit_trend")
_SIGNALS = ("enter_long", "exit_long", "enter_short", "exit_short")
_DISTANCES = "stoploss, minimal_roi = {'0': ...} and trailing_stop, or --stop-loss, --take-profit, --trailing-stop"
_AT_CLOSE = "decide it in populate_exit_trend, or write a class with next(): docs/strategies.md"
_MARKET = "orders fill at the next open; see docs/engine.md"
_CALLBACKS = {
    "custom_stoploss": _DISTANCES,
    "custom_roi": _DISTANCES,
    "custom_exit": _AT_CLOSE,
    "custom_sell": _AT_CLOSE,
    "custom_entry_price": _MARKET,
    "custom_exit_price": _MARKET,
    "adjust_entry_price": _MARKET,
    "adjust_exit_price": _MARKET,
    "adjust_order_price": _MARKET,
    "check_entry_timeout": _MARKET,
    "check_exit_timeout": _MARKET,
    "confirm_trade_entry": "decide it in populate_entry_trend",
    "confirm_trade_exit": "decide it in populate_exit_trend",
    "custom_stake_amount": "all equity is used; a class with next() sets any fraction: docs/strategies.md",
    "adjust_trade_position": "a class with next() sets any fraction of equity: docs/strategies.md",
    "leverage": "--leverage N",
    "informative_pairs": "tallow.higher(dataframe, '4h') for the same pair; other pairs are not seen by a strategy",
    "order_filled": _AT_CLOSE,
    "bot_start": "populate_indicators, or constants of the file",
    "bot_loop_start": "populate_indicators",
    "populate_buy_trend": "populate_entry_trend, which sets enter_long",
    "populate_sell_trend": "populate_exit_trend, which sets exit_long",
}
_SWITCHES = {
    "use_custom_stoploss": _DISTANCES,
    "trailing_only_offset_is_reached": "trailing_stop = True, which trails from the entry on",
    "trailing_stop_positive": "trailing_stop = True, which trails by stoploss",
    "trailing_stop_positive_offset": "trailing_stop = True, which trails from the entry on",
    "exit_profit_only": _AT_CLOSE,
    "ignore_roi_if_entry_signal": "leave minimal_roi out",
    "position_adjustment_enable": "a class with next() sets any fraction of equity: docs/strategies.md",
}


class IStrategy:
    """Derive from it: three methods that add columns to a frame of all bars.

    The frame has `date open high low close volume` and one row a bar. A row with `enter_long` = 1 is an order at the
    next open, and so are `exit_long`, `enter_short` and `exit_short`. Rows before `startup_candle_count` signal
    nothing. Class attributes that are not named here are parameters.

    Attributes:
        timeframe: candle length the strategy is written for.
        stoploss: distance from the entry price at which a position is closed, below zero; None is off.
        minimal_roi: ``{"0": 0.04}``: profit at which a position is closed; empty is off.
        trailing_stop: let the stop trail the best price by `stoploss`.
        can_short: carry out `enter_short`.
        use_exit_signal: carry out `exit_long` and `exit_short`.
        startup_candle_count: rows without signals.
    """

    timeframe: str = ""
    stoploss: float | None = None
    minimal_roi: ClassVar[Mapping[Any, float]] = {}
    trailing_stop: bool = False
    can_short: bool = False
    use_exit_signal: bool = True
    startup_candle_count: int = 0
    _settings = frozenset(
        (
            "timeframe", "stoploss", "trailing_stop", "can_short", "use_exit_signal", "startup_candle_count",
            "process_only_new_candles", "max_open_trades", "INTERFACE_VERSION", *_SWITCHES,
        )
    )  # fmt: skip

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        self.config = dict(config or {})

    def populate_indicators(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        """Add the columns that the signals need."""
        return dataframe

    def populate_entry_trend(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        """Set `enter_long` or `enter_short` to 1 at the rows that enter."""
        raise NotImplementedError(f"{type(self).__name__} has no method populate_entry_trend")

    def populate_exit_trend(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        """Set `exit_long` or `exit_short` to 1 at the rows that leave."""
        return dataframe

    @property
    def dp(self) -> NoReturn:
        """Refuse: a strategy sees its own bars."""
        raise not_carried_over("self.dp", "tallow.higher(dataframe, '4h') for the same pair")

    @property
    def wallets(self) -> NoReturn:
        """Refuse: the three methods are called once, before the account exists."""
        raise not_carried_over("self.wallets", "a class with next() reads its equity: docs/strategies.md")


def crossed_above(one: pd.Series, other: Any) -> "pd.Series[bool]":
    """Say at which rows `one` goes above `other`, a Series or a number, and was not above it a row before."""
    level = other if isinstance(other, pd.Series) else pd.Series(other, index=one.index)
    return (one > level) & (one.shift(1) <= level.shift(1))


def crossed_below(one: pd.Series, other: Any) -> "pd.Series[bool]":
    """Say at which rows `one` goes below `other`, a Series or a number, and was not below it a row before."""
    level = other if isinstance(other, pd.Series) else pd.Series(other, index=one.index)
    return (one < level) & (one.shift(1) >= level.shift(1))


def declared(strategy: type[IStrategy]) -> dict[str, Any]:
    """Give the options of a run that a class sets: `timeframe short stop_loss trailing_stop take_profit`.

    Raises:
        UserError: NOT_CARRIED_OVER naming a method or switch; BAD_STRATEGY for a stoploss that is not below zero.
    """
    for name, instead in _CALLBACKS.items():
        if any(name in vars(parent) for parent in _lineage(strategy)):
            raise not_carried_over(f"{strategy.__name__}.{name}", instead)
    for name, instead in _SWITCHES.items():
        if getattr(strategy, name, None):
            raise not_carried_over(f"{strategy.__name__}.{name} = {getattr(strategy, name)}", instead)
    said: dict[str, Any] = {"timeframe": strategy.timeframe} if strategy.timeframe else {}
    if strategy.can_short:
        said["short"] = True
    return {**said, **_stop(strategy), **_profit(strategy)}


def _stop(strategy: type[IStrategy]) -> dict[str, float]:
    if strategy.stoploss is None:
        if strategy.trailing_stop:
            raise _bad(strategy, "trailing_stop without stoploss", "stoploss = -0.1, by which the stop trails")
        return {}
    if not -1.0 <= strategy.stoploss < 0.0:
        raise _bad(strategy, f"stoploss = {strategy.stoploss!r}", "a fraction below 0, as -0.1 for 10 %")
    return {"trailing_stop" if strategy.trailing_stop else "stop_loss": abs(strategy.stoploss)}


def _profit(strategy: type[IStrategy]) -> dict[str, float]:
    table = {int(minutes): float(profit) for minutes, profit in strategy.minimal_roi.items()}
    if not table:
        return {}
    if set(table) != {0}:
        raise not_carried_over(
            f"{strategy.__name__}.minimal_roi by age of the trade", "minimal_roi = {'0': ...}, one profit for all ages"
        )
    if not table[0] > 0.0:
        raise _bad(strategy, f"minimal_roi at {table[0]:g}", "a profit above 0")
    return {"take_profit": table[0]}


def decider(strategy: type[IStrategy], parameters: Mapping[str, object], bars: Bars, setting: Setting) -> Decide:
    """Compute the signals of a strategy on bars, and give the function that decides row after row by them.

    Flat, `enter_long` = 1 without `exit_long` and `enter_short` goes long, and the mirror image short. In a position,
    its exit signal without its entry signal closes it, and an entry to the other side in that row turns it round.
    After a protective exit the next entry signal counts again.

    Raises:
        UserError: NOT_CARRIED_OVER, UNKNOWN_PARAMETER, BAD_PARAMETER, BAD_OUTPUT.
    """
    entries, leaves_long, leaves_short = _moves(_signals(strategy, parameters, bars, setting))
    orders = Orders()

    def decide(row: int, account: Account) -> float:
        side = 0.0 if orders.observe(account) else orders.asked
        entry = entries[row]
        if side == 0.0:
            return orders.settle(entry or np.nan)
        leaves = leaves_long[row] if side > 0.0 else leaves_short[row]
        turned = entry if entry * side < 0.0 else 0.0
        return orders.settle(turned if leaves else np.nan)

    return decide


def _moves(signals: list[Mask]) -> tuple[list[float], list[bool], list[bool]]:
    # Per row: 1 or -1 where a flat account enters, and whether a long or a short one leaves.
    enter_long, exit_long, enter_short, exit_short = signals
    long, short = enter_long & ~(exit_long | enter_short), enter_short & ~(exit_short | enter_long)
    entries: list[float] = (long * 1.0 - short).tolist()
    return entries, (exit_long & ~enter_long).tolist(), (exit_short & ~enter_short).tolist()


def _signals(strategy: type[IStrategy], parameters: Mapping[str, object], bars: Bars, setting: Setting) -> list[Mask]:
    running = strategy({})
    for name, value in bind(strategy, parameters).items():
        setattr(running, name, value)
    frame: Any = _frame(bars, setting)
    for method in _METHODS:
        frame = getattr(running, method)(frame, {"pair": setting.symbol})
        if not isinstance(frame, pd.DataFrame) or len(frame) != len(bars):
            rows = f" of {len(frame)} rows" if isinstance(frame, pd.DataFrame) else ""
            raise UserError(
                "BAD_OUTPUT",
                f"{strategy.__name__}.{method} gives no frame with a row a bar",
                facts={"received": f"{type(frame).__name__}{rows}", "valid": f"the frame of {len(bars)} rows"},
                exit="failed",
            )
    return [_column(frame, name, running) for name in _SIGNALS]


def _column(frame: pd.DataFrame, name: str, strategy: IStrategy) -> Mask:
    absent = name not in frame.columns or (name.endswith("short") and not strategy.can_short)
    if absent or (name.startswith("exit") and not strategy.use_exit_signal):
        return np.zeros(len(frame), np.bool_)
    column = np.array(frame[name].fillna(0) == 1, np.bool_)
    column[: strategy.startup_candle_count] = False
    return column


def _frame(bars: Bars, setting: Setting) -> pd.DataFrame:
    frame = to_frame(bars)[["open", "high", "low", "close", "volume"]]
    frame = frame.rename_axis("date").reset_index()
    if setting.timeframe is not None:
        frame.attrs[TIMEFRAME] = str(setting.timeframe)
    return frame


def _lineage(strategy: type) -> list[type]:
    return [parent for parent in strategy.__mro__ if parent.__module__.partition(".")[0] not in ("tallow", "builtins")]


def _bad(strategy: type, what: str, valid: str) -> UserError:
    return UserError("BAD_STRATEGY", f"{strategy.__name__} has {what}", facts={"valid": valid})
