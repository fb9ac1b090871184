"""What in a source text may have caused a leak, and what to write instead: a hint beside a finding, never a verdict."""

import ast
from collections.abc import Callable
from typing import NamedTuple


class Hint(NamedTuple):
    """A place in a source text, the kind of leak it is known for, and the remedy."""

    line: int
    kind: str
    advice: str


class _Rule(NamedTuple):
    kind: str
    advice: str
    matches: Callable[[ast.AST], bool]


def hints(source: str) -> tuple[Hint, ...]:
    r"""Find the places that are known to read later bars, most telling rule first, then by line.

    A text that does not parse has none.

    Example:
        >>> hints("def signals(bars):\n    return bars.close.shift(-1) > bars.close\n")[0].kind
        'negative shift'
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    found = [
        (rank, Hint(node.lineno, rule.kind, rule.advice))
        for node in ast.walk(tree)
        if isinstance(node, (ast.expr, ast.stmt))
        for rank, rule in enumerate(_RULES)
        if rule.matches(node)
    ]
    return tuple(hint for _, hint in sorted(found, key=lambda pair: (pair[0], pair[1].line)))


def statement_lines(source: str) -> dict[int, range]:
    """Map every line of a simple statement to the lines of that whole statement."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}
    spans: dict[int, range] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            spans.update(dict.fromkeys(lines, lines))
    return spans


def _called(node: ast.AST) -> str:
    """Give the last name of what is called: ``rolling`` of ``x.rolling(3)``."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _argument(node: ast.AST, name: str, place: int | None = None) -> ast.expr | None:
    assert isinstance(node, ast.Call)
    for keyword in node.keywords:
        if keyword.arg == name:
            return keyword.value
    return node.args[place] if place is not None and len(node.args) > place else None


def _is_negative(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (int, float)) and node.value < 0
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _is_text(node: ast.expr | None, *values: str) -> bool:
    return isinstance(node, ast.Constant) and node.value in values


def _shifts_back(node: ast.AST) -> bool:
    return _called(node) in {"shift", "diff", "pct_change", "lead"} and (
        _is_negative(_argument(node, "periods", 0)) or _is_negative(_argument(node, "n"))
    )


def _is_centred(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    value = _argument(node, "center")
    return isinstance(value, ast.Constant) and value.value is True


def _fills_back(node: ast.AST) -> bool:
    if _called(node) in {"bfill", "backfill"}:
        return True
    return _called(node) in {"fillna", "fill_null", "reindex", "get_indexer"} and any(
        _is_text(value, "bfill", "backfill", "backward", "nearest")
        for value in (_argument(node, "method"), _argument(node, "strategy"), _argument(node, "value", 0))
    )


def _reverses(node: ast.AST) -> bool:
    if isinstance(node, ast.Slice):
        return _is_negative(node.step)
    return _called(node) in {"flip", "flipud", "reversed", "reverse"}


def _joins_forward(node: ast.AST) -> bool:
    return _called(node) in {"merge_asof", "join_asof"} and any(
        _is_text(_argument(node, name), "forward", "nearest") for name in ("direction", "strategy")
    )


def _reads_ahead(node: ast.AST) -> bool:
    if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
        return False
    index = node.slice.upper if isinstance(node.slice, ast.Slice) else node.slice
    if not isinstance(index, ast.BinOp) or not isinstance(index.op, ast.Add):
        return False
    return not any(isinstance(side, ast.Constant) and isinstance(side.value, str) for side in (index.left, index.right))


def _reads_last(node: ast.AST) -> bool:
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        return _is_negative(node.slice if not isinstance(node.slice, ast.Tuple) else node.slice.elts[0])
    return _called(node) in {"last", "tail"}


def _measures_length(node: ast.AST) -> bool:
    return _called(node) == "len" or (isinstance(node, ast.Attribute) and node.attr in {"shape", "size"})


_WINDOWS = {"rolling", "expanding", "ewm"}


def _sums_up_all(node: ast.AST) -> bool:
    if _called(node) not in _STATISTICS or not isinstance(node, ast.Call):
        return False
    inner = node.func.value if isinstance(node.func, ast.Attribute) else None
    while isinstance(inner, (ast.Attribute, ast.Call, ast.Subscript)):
        if _called(inner) in _WINDOWS:
            return False
        inner = inner.func if isinstance(inner, ast.Call) else inner.value
    return True


_STATISTICS = {
    "mean", "std", "var", "max", "min", "median", "quantile", "percentile", "rank", "sum", "skew", "kurt",
    "corr", "cov", "zscore", "describe", "nanmean", "nanstd", "nanmax", "nanmin", "average", "ptp",
    "value_counts", "qcut", "cut", "rankdata", "argsort", "histogram", "sort_values", "sort", "nlargest",
    "nsmallest", "mode",
}  # fmt: skip
_FITTERS = {
    "fit", "fit_transform", "fit_predict", "polyfit", "lstsq", "OLS", "curve_fit", "kmeans", "linregress", "minimize",
    "svd", "eigh", "theilslopes", "seasonal_decompose",
}  # fmt: skip
_FILTERS = {
    "filtfilt", "sosfiltfilt", "savgol_filter", "fft", "rfft", "ifft", "irfft", "gaussian_filter1d", "gaussian_filter",
    "uniform_filter1d", "median_filter", "medfilt", "hilbert", "detrend", "convolve", "fftconvolve", "correlate",
    "find_peaks", "argrelextrema", "argrelmax", "argrelmin", "decimate", "resample_poly", "wiener", "lowess", "cwt",
    "UnivariateSpline", "make_smoothing_spline",
}  # fmt: skip


def _calls(names: set[str]) -> Callable[[ast.AST], bool]:
    return lambda node: _called(node) in names


_RULES = (
    _Rule("negative shift", "shift by +1 or more: a bar is known at its close, never before", _shifts_back),
    _Rule("centred window", "use a trailing window: drop center=True", _is_centred),
    _Rule("backward fill", "fill forward, or leave the warm-up rows NaN", _fills_back),
    _Rule("forward join", "use direction='backward', on the time the value became known", _joins_forward),
    _Rule("reversed order", "compute in time order: a reversed series starts with the future", _reverses),
    _Rule("zero-phase filter", "use a causal filter such as lfilter, ewm or a trailing window", _calls(_FILTERS)),
    _Rule("wraps around", "use shift(): roll brings the last rows to the first", _calls({"roll"})),
    _Rule("interpolation", "a gap is filled from its far side: use ffill()", _calls({"interpolate", "interp"})),
    _Rule("fit on all rows", "fit on past rows only: refit while walking forward", _calls(_FITTERS)),
    _Rule(
        "higher timeframe", "a coarser bar is known at its close: tallow.higher(bars, '4h') shows it from then on",
        _calls({"resample", "Grouper", "group_by_dynamic", "asfreq", "floor", "to_period", "normalize"}),
    ),
    _Rule("index ahead", "at row i only rows up to i are known", _reads_ahead),
    _Rule(
        "extreme of all rows", "an extreme is known only afterwards: use a trailing or expanding one",
        _calls({"idxmax", "idxmin", "argmax", "argmin", "nanargmax", "nanargmin"}),
    ),
    _Rule("whole-sample statistic", "use expanding() or rolling() instead of all rows", _sums_up_all),
    _Rule("last row", "the last row of all is not known yet at earlier ones", _reads_last),
    _Rule("grouped by whole group", "use cumulative functions within the group", _calls({"transform", "groupby"})),
    _Rule("depends on length", "the number of bars to come is not known", _measures_length),
)  # fmt: skip
