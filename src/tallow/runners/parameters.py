"""Parameters of a strategy: names and defaults from its code, values from text."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from tallow.domain.errors import UserError, nearest
from tallow.domain.scene import Value


def function_defaults(function: Callable[..., object]) -> dict[str, Value]:
    """Give the parameters of a function after its first, with their defaults; those that are no plain value are left out."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return {item.name: item.default for item in parameters if isinstance(item.default, (bool, int, float, str))}


def settle(defaults: Mapping[str, Value], given: Mapping[str, Any], where: str) -> dict[str, Value]:
    """Give every parameter its value: text is read as the default's type.

    Raises:
        UserError: UNKNOWN_PARAMETER or BAD_PARAMETER.
    """
    values = dict(defaults)
    for name, value in given.items():
        if name not in defaults:
            raise UserError(
                "UNKNOWN_PARAMETER",
                f"{where} has no parameter {name!r}",
                facts={"nearest": ", ".join(nearest(name, defaults)), "valid": ", ".join(defaults) or "none"},
            )
        values[name] = _read(name, value, defaults[name])
    return values


def _read(name: str, value: Any, default: Value) -> Value:
    kind = type(default)
    try:
        if kind is bool:
            return _truth(value)
        if kind is int:
            return _whole(value)
        if kind is float:
            return float(value)
    except (TypeError, ValueError) as problem:
        raise UserError(
            "BAD_PARAMETER", f"{name} = {value!r} is no {kind.__name__}", facts={"default": repr(default)}
        ) from problem
    return str(value)


def _whole(value: Any) -> int:
    if isinstance(value, str):
        return int(value)
    if value != int(value):
        raise ValueError(value)
    return int(value)


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    text = str(value).strip().lower()
    if text not in words:
        raise ValueError(value)
    return words[text]
