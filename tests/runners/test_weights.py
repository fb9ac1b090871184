from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tallow.core.portfolio import BUILT_IN, align, close_table, momentum
from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import UserError
from tallow.domain.timeframes import parse_timeframe
from tallow.runners.weights import FileWeights, load_stored_weights, load_weights

HOUR = 3_600_000_000
LENGTH = parse_timeframe("1h")
SHARE = 0.25


def bars_of(rows: list[int], close: list[float]) -> Bars:
    column = np.array(close)
    return Bars.of(np.array(rows) * HOUR, (column, column, column, column, column))


TWO = {"A/USDT": bars_of([0, 1, 2], [1.0, 2.0, 3.0]), "B/USDT": bars_of([1, 2, 3], [5.0, 4.0, 6.0])}


def quarter(frames: dict[str, pd.DataFrame], *, factor: float = 1.0) -> pd.DataFrame:
    close = pd.DataFrame({symbol: frame.close for symbol, frame in frames.items()})
    return close.notna() * (SHARE * factor)


def written(folder: Path, text: str) -> str:
    path = folder / "mine.py"
    path.write_text(text)
    return str(path)


def test_a_file_gets_frames_on_their_own_times_and_is_imported_anew(tmp_path: Path) -> None:
    code = load_weights(
        written(
            tmp_path,
            "calls = []\n"
            "def weights(frames, *, share=0.5):\n"
            "    calls.append(1)\n"
            "    a, b = frames['A/USDT'], frames['B/USDT']\n"
            "    assert (len(a), len(b), str(a.index.tz), a.attrs['timeframe']) == (3, 3, 'UTC', '1h')\n"
            "    a['close'] = 0.0\n"
            "    return [[share * len(calls), 0.0]] * 4\n",
        ),
        {"share": "0.25"},
    )
    assert (code.name, dict(code.parameters)) == ("mine", {"share": 0.25})
    for _ in range(2):
        assert code.weigh(TWO, LENGTH).tolist() == [[0.25, 0.0]] * 4
    assert TWO["A/USDT"].close.tolist() == [1.0, 2.0, 3.0]
    assert code.file.endswith("mine.py")


def test_a_function_is_written_down_with_what_it_uses() -> None:
    code = load_weights(quarter, {"factor": 2})
    assert isinstance(code, FileWeights)
    assert "SHARE = 0.25" in code.source
    assert code.weigh(TWO, LENGTH).tolist() == [[0.5, 0.0], [0.5, 0.5], [0.5, 0.5], [0.0, 0.5]]


@pytest.mark.parametrize("name", list(BUILT_IN))
def test_built_in_rules_have_names_and_parameters(name: str) -> None:
    code = load_weights(name)
    table: Floats = BUILT_IN[name](close_table(align(TWO)), **code.parameters)
    assert (code.name, code.file) == (name, name)
    assert f"def {name}" in code.source
    assert np.array_equal(code.weigh(TWO, LENGTH), table)
    assert code.with_clock_moved() == ()


def test_readings_of_the_clock_are_moved(tmp_path: Path) -> None:
    text = "import time\ndef weights(frames):\n    return [[time.time(), 0.0]] * 4\n"
    code = load_weights(written(tmp_path, text))
    now = code.weigh(TWO, LENGTH)[0, 0]
    moved = [other.weigh(TWO, LENGTH)[0, 0] - now for other in code.with_clock_moved()]
    assert [round(shift / 1_000) for shift in moved] == [10_127, 90, 15_770]


def test_text_becomes_the_type_of_a_built_in_parameter() -> None:
    code = load_weights("momentum", {"window": "1", "top": "1"})
    assert np.array_equal(code.weigh(TWO, LENGTH), momentum(close_table(align(TWO)), window=1, top=1))


def test_a_table_on_other_times_is_refused(tmp_path: Path) -> None:
    text = "import pandas as pd\ndef weights(frames):\n    c = pd.DataFrame({s: f.close for s, f in frames.items()})\n"
    right = load_weights(written(tmp_path, f"{text}    return (c.notna() * 0.1).tz_localize(None)\n"))
    assert right.weigh(TWO, LENGTH).sum() == pytest.approx(0.6)
    turned = load_weights(written(tmp_path, f"{text}    return (c.notna() * 0.1)[::-1]\n"))
    with pytest.raises(UserError, match="other times"):
        turned.weigh(TWO, LENGTH)
    unnamed = load_weights(written(tmp_path, f"{text}    return (c.notna() * 0.1).reset_index(drop=True)[::-1]\n"))
    assert unnamed.weigh(TWO, LENGTH).shape == (4, 2)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("def weights(frames):\n    return 1 / 0\n", "STRATEGY_FAILED", "mine.py:2: ZeroDivisionError"),
        ("def weights(frames):\n    return [0.0]\n", "WEIGHTS_SHAPE", "shape"),
        ("def weights(frames):\n    return {'A/USDT': [0.0] * 4}\n", "WEIGHTS_SHAPE", "A/USDT"),
        ("def weights(frames):\n    return [['much', 0.0]] * 4\n", "WEIGHTS_SHAPE", "numbers"),
    ],
)
def test_what_goes_wrong_inside_is_told_with_its_place(tmp_path: Path, text: str, code: str, said: str) -> None:
    loaded = load_weights(written(tmp_path, text))
    with pytest.raises(UserError) as caught:
        loaded.weigh(TWO, LENGTH)
    assert caught.value.code == code
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "parameters", "code"),
    [
        ("def signals(bars):\n    return 1\n", {}, "BAD_STRATEGY"),
        ("raise ValueError('no')\n", {}, "STRATEGY_FAILED"),
        ("def weights(frames, *, window=3):\n    return 1\n", {"windw": 3}, "UNKNOWN_PARAMETER"),
        ("def weights(frames, *, window=3):\n    return 1\n", {"window": "x"}, "BAD_PARAMETER"),
    ],
)
def test_a_file_that_is_no_portfolio_is_refused(
    tmp_path: Path, text: str, parameters: dict[str, object], code: str
) -> None:
    with pytest.raises(UserError) as caught:
        load_weights(written(tmp_path, text), parameters)
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["equal_wait", "nowhere.py"])
def test_an_unknown_name_gets_the_nearest(name: str) -> None:
    with pytest.raises(UserError) as caught:
        load_weights(name)
    assert caught.value.code == "STRATEGY_NOT_FOUND"


def test_stored_weights_are_the_rule_they_were_or_their_text(tmp_path: Path) -> None:
    rule = load_weights("momentum", {"window": 9})
    assert load_stored_weights("momentum", rule.source, dict(rule.parameters)) == rule
    with pytest.raises(UserError, match="STRATEGY_CHANGED"):
        load_stored_weights("momentum", f"{rule.source}\n# before", {})
    (tmp_path / "beside.py").write_text("SHARE = 0.25\n")
    (tmp_path / "mine.py").write_text(
        "from beside import SHARE\ndef weights(frames, *, n=1):\n    return [[SHARE * n]]\n"
    )
    mine = load_weights(str(tmp_path / "mine.py"), {"n": 2})
    again = load_stored_weights("mine", mine.source, {"n": 2})
    assert (again.name, again.source, dict(again.parameters)) == ("mine", mine.source, {"n": 2})
    bars = {"A/USDT": Bars.of(np.zeros(1, np.int64), (np.ones(1),) * 5)}
    assert again.weigh(bars, parse_timeframe("1h")).tolist() == [[0.5]]
