"""Declared parameters of strategies: read from signatures and class attributes, checked, converted from text."""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tallow.domain.errors import UserError, nearest
from tallow.domain.scene import Value


@dataclass(frozen=True)
class Int:
    """A whole number from `low` to `high`, both included; None is unbounded."""

    default: int
    low: int | None = None
    high: int | None = None

    def convert(self, value: object) -> int | None:
        """Give the value as an int, or None when it is not one."""
        number = _number(value)
        return int(number) if number is not None and number == int(number) and _lies_in(self, number) else None

    def __str__(self) -> str:
        return f"a whole number{_limits(self)}"


@dataclass(frozen=True)
class Float:
    """A finite number from `low` to `high`, both included; None is unbounded."""

    default: float
    low: float | None = None
    high: float | None = None

    def convert(self, value: object) -> float | None:
        """Give the value as a float, or None when it is not one."""
        number = _number(value)
        return float(number) if number is not None and _lies_in(self, number) else None

    def __str__(self) -> str:
        return f"a number{_limits(self)}"


_TRUTH = {"1": "true", "yes": "true", "on": "true", "0": "false", "no": "false", "off": "false"}


@dataclass(frozen=True)
class Choice:
    """One of `options`; without options any text."""

    default: Value
    options: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", tuple(self.options))

    def convert(self, value: object) -> Value | None:
        """Give the option that the value is, or is the text of; None when there is none."""
        if not self.options:
            return value if isinstance(value, str) else None
        text = str(value).casefold()
        text = _TRUTH.get(text, text) if self.options == (False, True) else text
        same = (option for option in self.options if option == value and type(option) is type(value))
        return next(same, next((option for option in self.options if str(option).casefold() == text), None))

    def __str__(self) -> str:
        return "one of " + ", ".join(map(str, self.options)) if self.options else "any text"


Parameter = Int | Float | Choice


def parameters_of(strategy: Callable[..., Any] | type) -> dict[str, Parameter]:
    """Read the declared parameters of a strategy, in the order of their declaration.

    Of a function: every argument after the first one. Of a class: every public class attribute that is an `Int`,
    `Float`, `Choice`, number, bool or text, inherited ones first. A plain default becomes an unbounded parameter of its
    type, a bool the choice between both, a text any text.

    Example:
        >>> def signals(bars, *, fast=Int(10, 2, 50), level=0.5): ...
        >>> parameters_of(signals)
        {'fast': Int(default=10, low=2, high=50), 'level': Float(default=0.5, low=None, high=None)}

    Raises:
        UserError: BAD_PARAMETER when an argument has no default, a default outside its own range, or one of a type
            that a parameter cannot have.
    """
    found = _of_class(strategy) if isinstance(strategy, type) else _of_function(strategy)
    declared = {name: _declared(name, default) for name, default in found.items()}
    for name, parameter in declared.items():
        check(name, parameter, parameter.default)
    return declared


def bind(strategy: Callable[..., Any] | type, given: Mapping[str, object]) -> dict[str, Value]:
    """Give every parameter of a strategy with its value: the given ones checked and converted, else the defaults.

    Text is converted to the declared type, so that values from a command line or a form can be given as they are.

    Raises:
        UserError: UNKNOWN_PARAMETER with the nearest names; BAD_PARAMETER for a value of another type or range.
    """
    declared = parameters_of(strategy)
    for name in given:
        if name not in declared:
            raise _unknown(name, declared, getattr(strategy, "__name__", "the strategy"))
    return {name: check(name, parameter, given.get(name, parameter.default)) for name, parameter in declared.items()}


def check(name: str, parameter: Parameter, value: object) -> Value:
    """Give the value in the declared type.

    Raises:
        UserError: BAD_PARAMETER when it has another type or lies outside the range.
    """
    found = parameter.convert(value)
    if found is None:
        raise UserError(
            "BAD_PARAMETER",
            f"{name} = {value!r} is not {parameter}",
            facts={"received": f"{value!r}", "valid": str(parameter), "default": parameter.default},
        )
    return found


def parse_assignments(texts: Iterable[str]) -> dict[str, str]:
    """Read ``name=value`` texts; the last one of a name counts.

    Example:
        >>> parse_assignments(["fast=10", "slow = 30"])
        {'fast': '10', 'slow': '30'}

    Raises:
        UserError: BAD_PARAMETER when a text has no name or no equals sign.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name:
            raise UserError(
                "BAD_PARAMETER", f"{text!r} does not set a parameter", facts={"valid": "name=value, as fast=10"}
            )
        found[name] = value
    return found


def _of_function(function: Callable[..., Any]) -> dict[str, Any]:
    arguments = list(inspect.signature(function).parameters.values())[1:]
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {argument.name: argument.default for argument in arguments if argument.kind not in variadic}


def _of_class(strategy: type) -> dict[str, Any]:
    # Classes of this package are the protocol, not somebody's strategy: their attributes are no parameters. Neither
    # are those that a protocol gives a meaning of its own.
    settings: frozenset[str] = getattr(strategy, "_settings", frozenset())
    lineage = [parent for parent in reversed(strategy.__mro__) if parent.__module__.partition(".")[0] != "tallow"]
    plain = (Int, Float, Choice, int, float, str)
    return {
        name: value
        for parent in lineage
        for name, value in vars(parent).items()
        if not name.startswith("_") and name not in settings and isinstance(value, plain)
    }


def _declared(name: str, default: Any) -> Parameter:
    if isinstance(default, Int | Float | Choice):
        return default
    if isinstance(default, bool):
        return Choice(default, (False, True))
    if isinstance(default, int):
        return Int(default)
    if isinstance(default, float):
        return Float(default)
    if isinstance(default, str):
        return Choice(default)
    missing = default is inspect.Parameter.empty
    raise UserError(
        "BAD_PARAMETER",
        f"parameter {name} has {'no default' if missing else f'the default {default!r}'}",
        facts={"valid": "a number, a bool, a text, Int(10, 2, 50), Float(0.5, 0, 1), Choice('a', ('a', 'b'))"},
    )


def _number(value: object) -> int | float | None:
    # A bool is an int to Python; as a number of bars it is a mistake.
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    return value if isinstance(value, int) else number


def _lies_in(parameter: Int | Float, number: float) -> bool:
    low, high = parameter.low, parameter.high
    return (low is None or number >= low) and (high is None or number <= high)


def _limits(parameter: Int | Float) -> str:
    low, high = parameter.low, parameter.high
    return (f" from {low:g}" if low is not None else "") + (f" up to {high:g}" if high is not None else "")


def _unknown(name: str, declared: Mapping[str, Parameter], owner: str) -> UserError:
    return UserError(
        "UNKNOWN_PARAMETER",
        f"{owner} has no parameter {name!r}",
        facts={
            "nearest": ", ".join(nearest(name, declared)),
            "valid": ", ".join(f"{known} ({parameter})" for known, parameter in declared.items()) or "no parameters",
        },
    )
