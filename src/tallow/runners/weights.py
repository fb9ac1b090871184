"""Load the weights of a portfolio: a function `weights(frames, *, ...)` of a file or program, or a built-in rule."""

import atexit
import inspect
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tallow.core.portfolio import BUILT_IN, align, close_table, evaluate
from tallow.core.strategies import bind
from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import UserError, nearest
from tallow.domain.scene import Value
from tallow.domain.timeframes import Timeframe
from tallow.runners.frames import lent_frame
from tallow.runners.inline import quiet, reporting
from tallow.runners.sources import Source, imported, parted, read_source, write_beside
from tallow.runners.texts import text_of


@dataclass(frozen=True)
class FileWeights:
    """Weights decided by a Python file; `source` is all text that decides them."""

    name: str
    source: str
    parameters: Mapping[str, Value]
    origin: Source

    @property
    def file(self) -> str:
        """Path that findings name."""
        return str(self.origin.path)

    def weigh(self, bars: Mapping[str, Bars], timeframe: Timeframe) -> Floats:
        """Import the file anew and decide: one row a time of the union of all times, one column a symbol.

        Raises:
            UserError: STRATEGY_FAILED when its code raises, WEIGHTS_SHAPE when it gives another shape or other times.
        """
        with reporting(self.origin.path), quiet(), ExitStack() as lent:
            frames = {symbol: lent.enter_context(lent_frame(own, timeframe)) for symbol, own in bars.items()}
            module = lent.enter_context(imported(self.origin))
            found = module.weights(frames, **self.parameters)
            if isinstance(found, pd.DataFrame | pd.Series):
                _check_times(found.index, bars)
            return evaluate(lambda _: found, bars)

    def with_clock_moved(self) -> "tuple[FileWeights, ...]":
        """Give the same weights with every reading of the wall clock moved, once per shift; none without any."""
        return tuple(replace(self, origin=moved) for moved in self.origin.with_clock_moved())


@dataclass(frozen=True)
class BuiltInWeights:
    """One of tallow's own rules."""

    name: str
    source: str
    parameters: Mapping[str, Value]
    rule: Callable[..., Floats]

    @property
    def file(self) -> str:
        """Name, for want of a file."""
        return self.name

    def weigh(self, bars: Mapping[str, Bars], timeframe: Timeframe) -> Floats:
        """Decide: one row a time of the union of all times, one column a symbol."""
        return self.rule(close_table(align(bars, timeframe=timeframe)), **self.parameters)

    def with_clock_moved(self) -> "tuple[BuiltInWeights, ...]":
        """Give none: the rules read no clock."""
        return ()


Weights = FileWeights | BuiltInWeights
Code = str | Callable[..., Any]


def load_weights(code: Code, parameters: Mapping[str, Any] | None = None) -> Weights:
    """Find the weights: the name of a built-in rule, the path of a Python file, or a function.

    Raises:
        UserError: STRATEGY_NOT_FOUND, BAD_STRATEGY, STRATEGY_FAILED (its import raised), UNKNOWN_PARAMETER or
            BAD_PARAMETER.
    """
    given = parameters or {}
    if not isinstance(code, str):
        return _load_function(code, given)
    if code in BUILT_IN:
        rule = BUILT_IN[code]
        return BuiltInWeights(code, inspect.getsource(rule), bind(rule, given), rule)
    path = Path(code)
    if path.suffix != ".py" and not path.exists():
        raise UserError(
            "STRATEGY_NOT_FOUND",
            f"no weights are called {code!r}, and there is no such file",
            facts={"nearest": ", ".join(nearest(code, BUILT_IN) or BUILT_IN)},
            commands=[f"tallow portfolio {name} -s BTC/USDT -s ETH/USDT" for name in BUILT_IN],
        )
    return _load_file(path, path.stem, given)


def load_stored_weights(name: str, text: str, parameters: Mapping[str, Any]) -> Weights:
    """Load the weights of a stored result: the built-in rule they were, or their text.

    Raises:
        UserError: STRATEGY_CHANGED when they were a built-in rule that is another one today.
    """
    if name in BUILT_IN and text.startswith(f"def {name}(close: Floats"):
        weights = load_weights(name, parameters)
        if weights.source == text:
            return weights
        raise UserError(
            "STRATEGY_CHANGED",
            f"the built-in weights {name!r} have changed since the result was stored",
            commands=[f"tallow portfolio {name}"],
        )
    main, beside = parted(text)
    return _load_file(_written(name, main, beside), name, parameters)


def _load_file(path: Path, name: str, given: Mapping[str, Any]) -> FileWeights:
    origin = read_source(path)
    with reporting(path), quiet(), imported(origin) as module:
        function = getattr(module, "weights", None)
        if not callable(function):
            named = ", ".join(sorted(name for name in vars(module) if not name.startswith("_"))) or "nothing"
            raise UserError(
                "BAD_STRATEGY",
                f"{path} defines no weights",
                facts={"received": named, "valid": "def weights(frames, *, ...), where frames are symbol -> frame"},
            )
        return FileWeights(name, origin.text, bind(function, given), origin)


def _load_function(code: Callable[..., Any], given: Mapping[str, Any]) -> FileWeights:
    # Written to a file of its own, so that every call can import it anew.
    name = code.__name__
    text = text_of(code) + ("" if name == "weights" else f"weights = {name}\n")
    path = _written(name, text, {})
    return _load_file(path, path.stem, given)


def _written(name: str, text: str, beside: Mapping[str, str]) -> Path:
    # The files live as long as this process.
    folder = Path(tempfile.mkdtemp(prefix="tallow-weights-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_beside(folder, beside)
    path = folder / f"{name if name.isidentifier() else 'weights'}.py"
    path.write_text(text, encoding="utf-8")
    return path


def _check_times(index: pd.Index, bars: Mapping[str, Bars]) -> None:
    # A table in another order has the right shape and the wrong weights.
    if not isinstance(index, pd.DatetimeIndex):
        return
    zoned = index.tz_localize("UTC") if index.tz is None else index.tz_convert("UTC")
    time = align(bars).time
    if len(index) == len(time) and not np.array_equal(zoned.as_unit("us").asi8, time):
        raise UserError(
            "WEIGHTS_SHAPE",
            "the weights are indexed by other times than the bars, or in another order",
            facts={"valid": f"the union of the times of {', '.join(bars)}, ascending"},
            commands=["tallow explain WEIGHTS_SHAPE"],
        )
