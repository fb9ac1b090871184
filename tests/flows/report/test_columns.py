import base64
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.domain.columns import Bars
from tallow.domain.results import Result
from tallow.flows.report import columns


def unpack(text: str) -> list[int]:
    """Read packed integers as the script of the page does."""
    values, value, weight = [], 0, 1
    for byte in base64.b64decode(text):
        value += (byte & 127) * weight
        weight *= 128
        if byte < 128:
            values.append(-(value + 1) // 2 if value % 2 else value // 2)
            value, weight = 0, 1
    return values


@pytest.mark.parametrize(
    ("values", "size"),
    [([], 0), ([0], 1), ([63], 1), ([-64], 1), ([64], 2), ([-65], 2), ([2**47], 7), ([0, -1, 1, 300], 5)],
)
def test_pack_is_short(values: list[int], size: int) -> None:
    text = columns.pack(np.array(values, np.int64))
    assert len(base64.b64decode(text)) == size
    assert unpack(text) == values


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-(2**48), 2**48), max_size=40))
def test_pack_loses_nothing(values: list[int]) -> None:
    assert unpack(columns.pack(np.array(values, np.int64))) == values


@pytest.mark.parametrize(
    ("values", "decimals", "expected"),
    [
        ([1.0, 2.344], 2, [100, 234]),
        ([np.nan, 1.0, np.nan, np.inf, 2.0], 0, [1, 1, 1, 1, 2]),
        ([np.nan], 2, [0]),
        ([1e300, 1.0], 0, [1, 1]),
        ([], 2, []),
    ],
)
def test_on_grid_holds_the_last_known_value(values: list[float], decimals: int, expected: list[int]) -> None:
    assert columns.on_grid(np.array(values), decimals).tolist() == expected


def restore(packed: dict[str, object]) -> list[float]:
    return (np.cumsum(unpack(str(packed["deltas"]))) / 10.0 ** int(str(packed["decimals"]))).tolist()


def test_pack_column_is_exact_on_its_grid() -> None:
    assert restore(columns.pack_column(np.array([10_000.01, 9_999.99, 12_345.67]), 2)) == [
        10_000.01,
        9_999.99,
        12_345.67,
    ]


def test_pack_bars_can_be_undone(few_bars: Callable[..., Bars]) -> None:
    bars = few_bars(200)
    packed = columns.pack_bars(bars, 0.0)
    close, before = [], 0
    for opened, moved in zip(unpack(str(packed["open"])), unpack(str(packed["close"])), strict=True):
        before += opened + moved
        close.append(before / 100)
    assert packed["decimals"] == 2
    assert packed["count"] == 200
    assert close == bars.close.tolist()
    assert np.cumsum(np.cumsum(unpack(str(packed["times"])))).tolist() == (bars.time // 1_000).tolist()
    assert min(unpack(str(packed["high"])) + unpack(str(packed["low"]))) >= 0


@pytest.mark.parametrize(
    ("volume", "step", "expected"),
    [([1_234.5, 0.0], 1.0, [1_234, 0]), ([0.0, 0.0], 1.0, [0, 0]), ([np.nan, 2.0], 0.001, [0, 2_000]), ([], 1.0, [])],
)
def test_pack_volume_keeps_four_digits(volume: list[float], step: float, expected: list[int]) -> None:
    packed = columns.pack_volume(np.array(volume))
    assert packed["step"] == pytest.approx(step)
    assert unpack(str(packed["values"])) == expected


@pytest.mark.parametrize(
    ("equity", "expected"),
    [([10_000.0], 2), ([0.0], 2), ([], 2), ([np.nan], 2), ([100.0], 3), ([0.05], 7), ([1e-9], 8)],
)
def test_equity_decimals_fit_the_account(equity: list[float], expected: int) -> None:
    assert columns.equity_decimals(np.array(equity)) == expected


def test_payload_holds_what_the_charts_need(result: Result, bars: Bars) -> None:
    packed = columns.payload(result, bars)
    run = packed["run"]
    assert isinstance(run, dict)
    assert packed["length"] == 3_600_000
    assert packed["cash"] == 10_000.0
    assert restore(run["equity"]) == pytest.approx(result.run.equity.tolist(), abs=0.0051)
    assert np.cumsum(unpack(run["fills"]["row"])).tolist() == result.run.fills.row.tolist()
    assert unpack(run["fills"]["buy"]) == (result.run.fills.quantity > 0).astype(int).tolist()
    assert len(run["fills"]["quantity"]) == len(result.run.fills)
    assert unpack(run["trades"]["won"]) == (result.run.trades.profit >= 0).astype(int).tolist()


def test_hold_line_ends_at_the_stated_return(result: Result, bars: Bars) -> None:
    values = columns.hold_values(result, bars)
    held = result.metrics["buy_hold_pct"]
    assert values is not None
    assert held is not None
    assert values[0] == 10_000.0
    assert values[-1] == pytest.approx(10_000 * (1 + held / 100))


@pytest.mark.parametrize("held", [None, float("nan")])
def test_hold_line_is_left_out_when_undefined(result: Result, bars: Bars, held: float | None) -> None:
    without = replace(result, metrics={**result.metrics, "buy_hold_pct": held})
    assert columns.hold_line(without, bars) is None
    assert columns.hold_values(without, bars) is None


def test_times_cost_a_byte_a_bar_but_at_gaps(few_bars: Callable[..., Bars]) -> None:
    bars = few_bars(1_000)
    whole = base64.b64decode(str(columns.pack_bars(bars, 0.0)["times"]))
    holed = base64.b64decode(str(columns.pack_bars(bars[bars.volume < np.median(bars.volume)], 0.0)["times"]))
    assert len(whole) < 1_020
    assert len(holed) > 1_020


def test_bars_of_nothing_pack_to_nothing(few_bars: Callable[..., Bars]) -> None:
    packed = columns.pack_bars(few_bars(0), 0.0)
    assert packed["count"] == 0
    assert {packed[name] for name in ("times", "open", "high", "low", "close")} == {""}


def test_tick_size_decides_the_grid(few_bars: Callable[..., Bars]) -> None:
    assert columns.pack_bars(few_bars(50), 0.5)["decimals"] == 1
    assert columns.pack_bars(few_bars(50), 0.0001)["decimals"] == 4
