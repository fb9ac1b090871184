"""Run a strategy in this process: import it anew, hand it a frame of its own, read its targets."""

import contextlib
import inspect
import io
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np

from tallow.core.decisions import decide_all
from tallow.core.strategies import BUILT_IN, Choice, Float, Int, Outbox, bind, decider
from tallow.core.strategies import Strategy as EventStrategy
from tallow.domain.columns import Bars, Floats, FundingRates, Targets
from tallow.domain.errors import Error, UserError, nearest
from tallow.domain.fill_rules import PLAIN_TERMS, Terms
from tallow.domain.scene import Execution, Scene, Value
from tallow.domain.sent import Decisions, Sent
from tallow.ports import Strategy
from tallow.runners import adapters
from tallow.runners.adapters import Setting
from tallow.runners.frames import lent_frame, to_floats, to_targets
from tallow.runners.outlook import Outlook, joined, parted
from tallow.runners.sources import WRITTEN, Source, imported, read_source

_BARS = inspect.Parameter("bars", inspect.Parameter.POSITIONAL_ONLY)
_SHAPES = {
    "backtesting": "from tallow.adapters.backtesting import Strategy, crossover",
    "freqtrade": "from tallow.adapters.freqtrade import IStrategy",
}
_PROTOCOLS = (EventStrategy, *adapters.PROTOCOLS)
_ORDER_FAULTS = ("BAD_ORDER", "TOO_MANY_ORDERS", "BAD_STRATEGY")  # raised by what a strategy calls
_PLAIN = (bool, int, float, str, Int, Float, Choice)


@dataclass(frozen=True)
class Conditions:
    """What a path-dependent strategy trades under, and what a run says of its bars: their length and instrument.

    It is asked from the row `first` on.
    """

    execution: Execution = field(default_factory=Execution)
    cash: float = 10_000.0
    funding: FundingRates | None = None
    setting: Setting = field(default_factory=Setting)
    terms: Terms = PLAIN_TERMS
    first: int = 0


@dataclass(frozen=True)
class FileStrategy:
    """A strategy read from a Python file: a `signals` function, or a class that decides bar by bar.

    Attributes:
        source: all text that decides the output: the file and the modules beside it that it imports.
        event_driven: whether it is a class run by the engine.
        declares: options of a run that it sets itself, such as ``stop_loss`` and ``timeframe``.
        sees_all: whether its class is given all bars at once, as classes of other frameworks are.
    """

    name: str
    source: str
    parameters: Mapping[str, Value]
    origin: Source
    event_driven: bool = False
    conditions: Conditions = field(default_factory=Conditions)
    declares: Mapping[str, Any] = field(default_factory=dict)
    sees_all: bool = False

    def targets(self, bars: Bars) -> Decisions:
        """Decide for every bar.

        Raises:
            UserError: STRATEGY_FAILED when its code raises, BAD_OUTPUT when it returns anything but numbers.
        """
        with reporting(self.origin.path), quiet(), self._output(bars) as output:
            # The engine has taken these already: one that differs by a rounding step is an order after an exit.
            return cast("Floats | Sent", output) if self.event_driven else to_targets(output, len(bars))

    def decide(self, bars: Bars, *, finite: bool) -> "Floats | Sent":
        """Decide for every bar on a new import, in numbers; `finite` refuses infinities."""
        with reporting(self.origin.path), quiet(), self._output(bars) as output:
            if self.event_driven:
                return cast("Floats | Sent", output)
            return to_floats(output, len(bars), finite=finite)

    @contextlib.contextmanager
    def _output(self, bars: Bars) -> Iterator[object]:
        own, length = parted(self.parameters)
        seen = Outlook.of(bars, length, self.conditions.setting)
        if seen.is_empty:
            # An account that nobody has asked for anything holds 0; a function has not said anything yet.
            yield np.full(len(bars), 0.0 if self.event_driven else np.nan)
            return
        with imported(self.origin) as module:
            if self.event_driven:
                yield self._by_events(event_class(module, self.origin.path), own, bars, seen)
            else:
                with lent_frame(seen.bars, seen.setting.timeframe) as frame:
                    yield seen.lay(module.signals(frame, **own))

    def _by_events(self, strategy: type, own: Mapping[str, Value], bars: Bars, seen: Outlook) -> "Floats | Sent":
        under, outbox = self.conditions, Outbox()
        if issubclass(strategy, EventStrategy):
            decide = decider(strategy, own, seen.bars, seen.setting.timeframe, outbox)
        else:
            decide = adapters.decider(strategy, own, seen.bars, seen.setting, (outbox, under.execution))
        asked = seen.ask(_from_row(decide, seen, under.first)), outbox
        return decide_all(bars, asked, under.execution, cash=under.cash, funding=under.funding, terms=under.terms)


def _from_row(decide: Callable[[int, Any], float], seen: Outlook, first: int) -> Callable[[int, Any], float]:
    """Ask from a row of the run on only; NaN before it."""
    if first == 0:
        return decide
    start = first if seen.rows is None else int(np.searchsorted(seen.rows, first))
    return lambda row, account: decide(row, account) if row >= start else np.nan


@dataclass(frozen=True)
class BuiltInStrategy:
    """One of tallow's own strategies."""

    name: str
    source: str
    parameters: Mapping[str, Value]
    function: Callable[..., Targets]

    def targets(self, bars: Bars) -> Targets:
        """Decide for every bar."""
        own, length = parted(self.parameters)
        seen = Outlook.of(bars, length, Setting())
        return to_targets(seen.lay(self.function(seen.bars, **own)), len(bars))


def load(path_or_name: str, parameters: Mapping[str, Any] | None = None) -> Strategy:
    """Find a strategy: the name of a built-in one, or the path of a Python file.

    Parameters not given have their defaults; text is read as the default's type. ``decide-on`` is a parameter of every
    strategy: the timeframe it sees and decides on, when the run fills on finer bars.

    Raises:
        UserError: STRATEGY_NOT_FOUND, BAD_STRATEGY, STRATEGY_FAILED (its import raised), UNKNOWN_PARAMETER or
            BAD_PARAMETER.
    """
    given = parameters or {}
    if path_or_name in BUILT_IN:
        function, (own, length) = BUILT_IN[path_or_name], parted(given)
        values = joined(bind(function, own), length)
        return BuiltInStrategy(path_or_name, inspect.getsource(function), values, function)
    path = Path(path_or_name)
    if path.suffix != ".py" and not path.exists():
        raise UserError(
            "STRATEGY_NOT_FOUND",
            f"no strategy is called {path_or_name!r}, and there is no such file",
            facts={"nearest": ", ".join(nearest(path_or_name, BUILT_IN) or BUILT_IN)},
            commands=["tallow new strategy NAME"],
        )
    return load_file(path, given)


def load_file(path: Path, given: Mapping[str, Any]) -> FileStrategy:
    """Read a strategy file and settle its parameters; the file is imported once to find them."""
    origin, (own, length) = read_source(path), parted(given)
    with reporting(path), quiet(), imported(origin) as module:
        if callable(getattr(module, "signals", None)):
            values = joined(bind(_with_plain_defaults(module.signals), own), length)
            return FileStrategy(path.stem, origin.text, values, origin)
        found = event_class(module, path)
        values, declares = joined(bind(found, own), length), adapters.declared(found)
    if length is not None:
        declares.pop("timeframe", None)
    adapted = issubclass(found, adapters.PROTOCOLS)
    return FileStrategy(path.stem, origin.text, values, origin, True, declares=declares, sees_all=adapted)


def _with_plain_defaults(function: Callable[..., Any]) -> Callable[..., Any]:
    """Leave out the arguments whose default is no value a parameter can have, such as a dict that serves as a cache."""
    bars, *rest = inspect.signature(function).parameters.values() or (_BARS,)
    plain = [item for item in rest if item.default is item.empty or isinstance(item.default, _PLAIN)]

    def declared(*_: Any) -> None: ...

    declared.__signature__ = inspect.Signature([bars.replace(kind=_BARS.kind), *plain])  # type: ignore[attr-defined]
    declared.__name__ = function.__name__
    return declared


@contextlib.contextmanager
def declaring(strategy: Strategy) -> Iterator[Callable[..., Any] | type]:
    """Give the function or class whose signature declares a strategy's parameters."""
    if not isinstance(strategy, FileStrategy):
        yield BUILT_IN[strategy.name]
        return
    path = strategy.origin.path
    with reporting(path), quiet(), imported(strategy.origin) as module:
        yield event_class(module, path) if strategy.event_driven else _with_plain_defaults(module.signals)


def event_class(module: ModuleType, path: Path) -> type:
    """Find the one class of a module that is a strategy: tallow's own kind, or that of another framework.

    Raises:
        UserError: BAD_STRATEGY when there is none, or more than one.
    """
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, _PROTOCOLS) and value.__module__ == module.__name__
    ]
    leaves = [one for one in found if not any(one is not other and issubclass(other, one) for other in found)]
    if len(leaves) == 1:
        return leaves[0]
    named = ", ".join(sorted(name for name in vars(module) if not name.startswith("_"))) or "nothing"
    raise UserError(
        "BAD_STRATEGY",
        f"{path} defines {'no strategy' if not leaves else 'more than one strategy class'}",
        facts={
            "received": named,
            "valid": "def signals(bars, *, ...), or one class derived from tallow's Strategy",
            **_shape(value.__module__ for value in vars(module).values() if isinstance(value, type)),
        },
    )


def conditions_of(scene: Scene, funding: FundingRates | None = None, first: int = 0) -> Conditions:
    """Give the conditions of a scene."""
    setting = Setting(scene.timeframe, scene.instrument.symbol)
    return Conditions(scene.execution, scene.cash, funding, setting, scene.terms, first)


def with_declared(strategy: object, options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options of a run; where none is given (None or False), that which the strategy declares."""
    given = {name: value for name, value in options.items() if value is not None and value is not False}
    return {**options, **getattr(strategy, "declares", {}), **given}


def evaluate(
    strategy: Strategy, bars: Bars, execution: Execution, cash: float, funding: FundingRates | None = None
) -> Decisions:
    """Give a strategy's decisions; one that decides bar by bar is run through the engine under these conditions.

    Raises:
        UserError: STRATEGY_FAILED or BAD_OUTPUT.
    """
    return under(strategy, Conditions(execution, cash, funding)).targets(bars)


def under(strategy: Strategy, conditions: Conditions) -> Strategy:
    """Give the same strategy, trading under other conditions."""
    if isinstance(strategy, FileStrategy) and (strategy.event_driven or conditions.setting != Setting()):
        return replace(strategy, conditions=conditions)
    return strategy


def probe(strategy: Strategy) -> "Callable[[Bars], Floats | Sent]":
    """Give a callable for experiments: every call on a new import, infinities allowed."""
    if isinstance(strategy, FileStrategy):
        return lambda bars: strategy.decide(bars, finite=False)
    return lambda bars: to_floats(strategy.targets(bars), len(bars))  # built-in strategies send no orders


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what a strategy prints and warns about from the terminal."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def reporting(path: Path) -> Iterator[None]:
    """Turn whatever a strategy's code raises into STRATEGY_FAILED with the file and line."""
    try:
        yield
    except UserError as problem:
        line = _line_in(problem, path) if problem.code in _ORDER_FAULTS else 0
        if line:
            problem.facts = {"line": f"{path}:{line}: {_text_of(path, line)}", **problem.facts}
        raise
    except Error:
        raise
    except (Exception, SystemExit) as problem:
        line = _line_in(problem, path)
        what = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
        raise UserError(
            "STRATEGY_FAILED",
            f"{path}:{line}: {what}" if line else f"{path}: {what}",
            facts=({"line": _text_of(path, line)} if line else {}) | _instead(problem),
            exit="failed",
        ) from problem


def _instead(problem: BaseException) -> dict[str, str]:
    return _shape([problem.name or ""]) if isinstance(problem, ModuleNotFoundError) else {}


def _shape(modules: Iterable[str]) -> dict[str, str]:
    # What a file written for another framework imports from here.
    found = (_SHAPES.get(module.partition(".")[0]) for module in modules)
    return next(({"instead": shape} for shape in found if shape), {})


def _line_in(problem: BaseException, path: Path) -> int:
    lines = [line for frame, line in traceback.walk_tb(problem.__traceback__) if frame.f_code.co_filename == str(path)]
    return lines[-1] if lines else 0


def _text_of(path: Path, line: int) -> str:
    with contextlib.suppress(OSError, IndexError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8").splitlines()[line - 1].strip()
    return ""


def clock_moved(strategy: Strategy) -> "list[Callable[[Bars], Floats | Sent]]":
    """Give callables that run a strategy with the wall clock moved; none when its source reads none."""
    if not isinstance(strategy, FileStrategy):
        return []
    return [probe(replace(strategy, origin=moved)) for moved in strategy.origin.with_clock_moved()]


def location(strategy: Strategy) -> str:
    """Give the path of a strategy's file; the name of one that has none."""
    return str(strategy.origin.path) if isinstance(strategy, FileStrategy) else strategy.name


def typed(strategy: Strategy) -> str:
    """Give what a command takes for a strategy: the file it came from; its name where it came from a program."""
    place = location(strategy)
    return strategy.name if WRITTEN in place else place


def is_event_driven(strategy: Strategy) -> bool:
    """Say whether a strategy decides bar by bar and is shown the past alone."""
    return isinstance(strategy, FileStrategy) and strategy.event_driven and not strategy.sees_all
