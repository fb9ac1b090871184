"""The scripts of the page, run by node; skipped where there is none."""

import json
import shutil
import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallow.domain.columns import Bars
from tallow.domain.ranges import parse_time
from tallow.domain.timeframes import DAY, HOUR, MINUTE
from tallow.flows.report import axes, figures
from tallow.flows.report.columns import pack, pack_bars, pack_column
from tallow.flows.report.page import SCRIPTS

NODE = shutil.which("node")
FOLDER = Path(str(resources.files("tallow.flows.report")))

pytestmark = pytest.mark.skipif(NODE is None, reason="no node on this machine: scripts are not run")


def evaluate(expression: str, **values: object) -> Any:
    """Run an expression on the functions of scales.js; `values` are its variables. NaN and infinities become null."""
    program = f"""
        const scales = require({json.dumps(str(FOLDER / "scales.js"))});
        const {{ {", ".join(values)} }} = JSON.parse(require("fs").readFileSync(0, "utf-8"));
        const typed = (_, value) => ArrayBuffer.isView(value) ? Array.from(value) : value;
        process.stdout.write(JSON.stringify({expression}, typed));
    """
    assert NODE is not None
    done = subprocess.run(
        [NODE, "-e", program], input=json.dumps(values), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", SCRIPTS)
def test_syntax(name: str) -> None:
    assert NODE is not None
    done = subprocess.run(
        [NODE, "--check", str(FOLDER / name)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_unpack_reads_what_pack_wrote() -> None:
    values = [0, -1, 1, 63, 64, -64, -65, 300, 2**31, -(2**31), 2**47, -(2**47)]
    assert evaluate("scales.unpack(packed)", packed=pack(np.array(values))) == values


def test_columns_and_bars_come_back_exactly(few_bars: Callable[..., Bars]) -> None:
    bars = few_bars(500)
    column = evaluate("scales.readColumn(packed)", packed=pack_column(bars.close, 2))
    found = evaluate("scales.readBars(packed)", packed=pack_bars(bars, 0.0))
    assert column == bars.close.tolist()
    assert found["time"] == (bars.time // 1_000).tolist()
    for name in ("open", "high", "low", "close"):
        assert found[name] == getattr(bars, name).tolist()
    assert found["volume"] == pytest.approx(bars.volume.tolist(), abs=0.51)


def test_bars_with_gaps_and_without_volume_come_back(few_bars: Callable[..., Bars]) -> None:
    whole = few_bars(300)
    bars = whole[np.r_[0:10, 50:51, 200:300]]
    found = evaluate("scales.readBars(packed)", packed=pack_bars(bars, 0.01))
    assert found["time"] == (bars.time // 1_000).tolist()
    assert found["close"] == bars.close.tolist()


def test_lower_bound() -> None:
    assert evaluate("[0, 10, 11, 20, 35].map((wanted) => scales.lowerBound([10, 20, 30], wanted))") == [0, 0, 1, 1, 3]


def test_candle_size_is_a_round_number_of_bars() -> None:
    given = [[0.01, 3], [0.5, 3], [1, 3], [7.9, 3], [10, 3], [525.6, 3]]
    assert evaluate("given.map((pair) => scales.candleSize(...pair))", given=given) == [1, 2, 3, 24, 48, 3_072]


BARS = {
    "time": [0, 1, 2, 3, 4],
    "open": [10, 11, 12, 13, 14],
    "high": [15, 16, 22, 14, 15],
    "low": [9, 5, 11, 12, 13],
    "close": [11, 12, 13, 14, 12],
    "volume": [1, 2, 3, 4, 5],
}


def test_candles_merge_into_open_high_low_close() -> None:
    merged = evaluate("scales.mergeCandles(bars, 0, 5, 2)", bars=BARS)
    assert merged == [
        {"row": 0, "end": 2, "open": 10, "high": 16, "low": 5, "close": 12, "volume": 3},
        {"row": 2, "end": 4, "open": 12, "high": 22, "low": 11, "close": 14, "volume": 7},
        {"row": 4, "end": 5, "open": 14, "high": 15, "low": 13, "close": 12, "volume": 5},
    ]


def test_candles_keep_their_groups_when_panned() -> None:
    assert [c["row"] for c in evaluate("scales.mergeCandles(bars, 3, 5, 2)", bars=BARS)] == [2, 4]


def test_down_sampling_keeps_first_extremes_and_last() -> None:
    columns = evaluate(
        "scales.minMaxColumns(time, values, view, 2)",
        time=[0, 1, 2, 3, 5, 6, 7, 9],
        values=[5, 9, 1, 4, 2, 2, 8, 3],
        view={"from": 0, "to": 10},
    )
    assert columns == [
        {"x": 0, "first": 5, "low": 1, "high": 9, "last": 4},
        {"x": 1, "first": 2, "low": 2, "high": 8, "last": 3},
    ]


def test_down_sampling_a_year_of_minutes_is_one_column_a_pixel() -> None:
    program = """(() => {
        const time = Float64Array.from({ length: 525600 }, (_, i) => i * 60000);
        const values = time.map((_, i) => Math.sin(i / 500));
        values[300000] = 99; values[300001] = -99;
        const columns = scales.minMaxColumns(time, values, { from: 0, to: 525600 * 60000 }, 1000);
        return [columns.length, Math.max(...columns.map((c) => c.high)), Math.min(...columns.map((c) => c.low))];
    })()"""
    assert evaluate(program) == [1_000, 99, -99]


def test_value_ticks_are_those_of_the_static_charts() -> None:
    ranges = [
        (0, 1, 4),
        (6_872.5, 17_300.25, 5),
        (-46, 0, 2),
        (-0.0031, 0.0042, 6),
        (1e6, 5e6, 5),
        (42_000.01, 42_000.09, 4),
    ]
    for found, given in zip(evaluate("ranges.map((r) => scales.niceTicks(...r))", ranges=ranges), ranges, strict=True):
        ticks, decimals = axes.nice_ticks(*given)
        assert found["ticks"] == pytest.approx(ticks)
        assert found["decimals"] == decimals


def test_a_range_without_length_has_one_tick() -> None:
    found = evaluate("[scales.niceTicks(5, 5, 4), scales.niceTicks(7, 3, 4)]")
    assert found == [{"ticks": [5], "decimals": 2}, {"ticks": [7], "decimals": 2}]


def test_time_ticks_are_those_of_the_static_charts() -> None:
    spans = [
        ("2024-01-01", 366 * DAY, 6),
        ("2023-12-30", 4 * DAY, 4),
        ("2024-02-27T03:17Z", 50 * DAY, 6),
        ("2024-03-05T10:00Z", 3 * HOUR, 4),
        ("2024-03-05T10:00Z", 3 * MINUTE, 6),
        ("2001-01-01", 9_000 * DAY, 5),
    ]
    given = [
        (parse_time(start) // 1_000, (parse_time(start) + length) // 1_000, count) for start, length, count in spans
    ]
    for found, (start, end, count) in zip(
        evaluate("given.map((g) => scales.timeTicks(...g))", given=given), given, strict=True
    ):
        expected = axes.time_ticks(start * 1_000, end * 1_000, count)
        assert [(tick["time"] * 1_000, tick["label"]) for tick in found] == expected


def test_numbers_read_as_in_the_tables() -> None:
    values = [0, 0.004, -0.004, 12, -1_234.56, 1_234_567.891, 999.996]
    cases = [(value, decimals, signed) for value in values for decimals in (0, 2) for signed in (False, True)]
    found = evaluate("cases.map((given) => scales.fixed(...given))", cases=cases)
    assert found == [figures.number(value, decimals, signed=signed) for value, decimals, signed in cases]


def test_words() -> None:
    expected = {
        "scales.fixed(NaN, 2)": "–",
        "scales.fixed(null, 2)": "–",
        "scales.short(1234567)": "1.23M",
        "scales.short(999)": "999",
        "scales.short(0.000012345)": "0.0000123",
        "scales.short(2.5e9)": "2.5G",
        "scales.short(1500)": "1.5k",
        "scales.short(Infinity)": "–",
        "scales.moment(0)": "1970-01-01 00:00",
        "scales.moment(1709643601000)": "2024-03-05 13:00:01",
    }
    assert evaluate(f"[{', '.join(expected)}]") == list(expected.values())


def test_a_view_stays_inside_and_wide_enough() -> None:
    views = [{"from": a, "to": b} for a, b in ((10, 30), (-20, 20), (90, 130), (-50, 500), (50, 51))]
    found = evaluate("views.map((view) => scales.clampView(view, { from: 0, to: 100 }, 10))", views=views)
    assert [(view["from"], view["to"]) for view in found] == [(10, 30), (0, 40), (60, 100), (0, 100), (45.5, 55.5)]


def test_zoom_keeps_the_anchor_in_its_place() -> None:
    found = evaluate("scales.zoom(view, 0.5, 40)", view={"from": 0, "to": 100})
    assert found == {"from": 20, "to": 70}
    assert evaluate("scales.pan(view, -0.25)", view={"from": 0, "to": 100}) == {"from": -25, "to": 75}


def test_cells_sort_by_their_worth() -> None:
    columns = [
        ["–", "−3", "9", "10", "1,200"],
        ["−2.25", "0.00", "+1.50"],
        ["2023-12-31 00:00", "2024-03-05 13:00"],
        ["open", "stop loss", "target"],
        ["−41.00\u00a0%", "+3.10\u00a0%"],
        ["–", "12", "Long"],
    ]
    program = "columns.map((cells) => cells.sort((a, b) => scales.compare(scales.sortValue(a), scales.sortValue(b))))"
    assert evaluate(program, columns=[sorted(cells, key=lambda text: text[::-1]) for cells in columns]) == columns
