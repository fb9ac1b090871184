import pytest

from tallow.core.causality import hints
from tallow.core.causality.hints import statement_lines


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("x.shift(-1)", "negative shift"),
        ("x.shift(periods=-2)", "negative shift"),
        ("x.diff(-1)", "negative shift"),
        ("x.rolling(9, center=True).mean()", "centred window"),
        ("x.bfill()", "backward fill"),
        ("x.fillna(method='bfill')", "backward fill"),
        ("x.fill_null(strategy='backward')", "backward fill"),
        ("x.reindex(i, method='nearest')", "backward fill"),
        ("pd.merge_asof(a, b, on='t', direction='nearest')", "forward join"),
        ("x[::-1]", "reversed order"),
        ("np.flip(x)", "reversed order"),
        ("filtfilt(b, a, x)", "zero-phase filter"),
        ("np.roll(x, 1)", "wraps around"),
        ("x.interpolate()", "interpolation"),
        ("model.fit(x, y)", "fit on all rows"),
        ("x.resample('4h')", "higher timeframe"),
        ("x[i + 1]", "index ahead"),
        ("x[i - 5 : i + 6]", "index ahead"),
        ("x.idxmax()", "extreme of all rows"),
        ("x.mean()", "whole-sample statistic"),
        ("np.quantile(x, 0.9)", "whole-sample statistic"),
        ("x['close'].values.max()", "whole-sample statistic"),
        ("x.iloc[-1]", "last row"),
        ("x[-1, 0]", "last row"),
        ("x.groupby(day)", "grouped by whole group"),
        ("len(x)", "depends on length"),
        ("x.shape", "depends on length"),
    ],
)
def test_what_is_known_to_read_later_bars_is_named(line, kind):
    found = hints(f"def signals(bars):\n    y = {line}\n    return y\n")
    assert found[0].kind == kind
    assert found[0].line == 2
    assert found[0].advice


@pytest.mark.parametrize(
    "line",
    [
        "x.shift(1)",
        "x.shift(lag)",
        "x.shift()",
        "x.rolling(9).mean()",
        "x.rolling(9, center=False).std()",
        "x.ewm(span=3).mean()",
        "x.expanding(5).quantile(0.5)",
        "x['close'].rolling(3).max().fillna(0)",
        "x.ffill()",
        "x[i - 1]",
        "x['clo' + 'se']",
        "x[:3]",
        "run()()",
    ],
)
def test_causal_lines_have_no_hint(line):
    assert hints(f"y = {line}\n") == ()


def test_the_most_telling_rule_comes_first():
    kinds = [hint.kind for hint in hints("a = len(x)\nb = x.mean()\nc = x.shift(-1)\n")]
    assert kinds == ["negative shift", "whole-sample statistic", "depends on length"]


def test_text_that_is_no_python_has_none():
    assert hints("def (:") == ()
    assert statement_lines("def (:") == {}


def test_statement_lines_join_the_lines_of_one_statement():
    spans = statement_lines("if x:\n    y = f(\n        1,\n    )\nz = 2\n")
    assert spans[3] == range(2, 5)
    assert spans[5] == range(5, 6)
    assert 1 not in spans
