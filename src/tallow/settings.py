"""Every setting, in one frozen object, and the only reader of the environment and of configuration files."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from tallow.domain.errors import UserError, nearest

FILE_NAME = "tallow.toml"
PREFIX = "TALLOW__"


@dataclass(frozen=True)
class BinanceSettings:
    """Where Binance is, and how hard it may be asked."""

    spot_url: str = field(default="https://api.binance.com", metadata={"help": "REST address of the spot market"})
    usdm_url: str = field(default="https://fapi.binance.com", metadata={"help": "REST address of USD-M futures"})
    coinm_url: str = field(default="https://dapi.binance.com", metadata={"help": "REST address of COIN-M futures"})
    archive_url: str = field(
        default="https://data.binance.vision", metadata={"help": "address of the bulk archives; empty: do not use them"}
    )
    weight_per_minute: int = field(
        default=3000, metadata={"help": "request weight a minute that may be spent, half of Binance's own limit"}
    )
    timeout: float = field(default=20.0, metadata={"help": "seconds to wait for one answer"})


@dataclass(frozen=True)
class Settings:
    """What can be set, each value with one sentence; `tallow config show --origin` tells where each came from."""

    lake: str = field(default="tallow-lake", metadata={"help": "folder that holds all data and results"})
    cash: float = field(default=10_000.0, metadata={"help": "starting balance of a backtest, in quote units"})
    fee: float = field(default=0.001, metadata={"help": "maker and taker fee rate of a backtest (0.001 = 0.1 %)"})
    palette: str = field(
        default="green-red", metadata={"help": "candle colours: green-red, red-green or blue-orange (colour-blind)"}
    )
    binance: BinanceSettings = field(default=BinanceSettings(), metadata={"help": "the Binance section"})


@dataclass(frozen=True)
class Setting:
    """One value with its name, sentence and origin (default, a file, the environment, or the command line)."""

    name: str
    value: object
    origin: str
    help: str


def load(
    overrides: Mapping[str, object] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> tuple[Settings, list[Setting]]:
    """Read settings: command line before environment before ``tallow.toml`` before defaults.

    Args:
        overrides: dotted names from the command line; None values are not given.
        environment: variables named ``TALLOW__SECTION__KEY``; the process's own when None.
        file: configuration file that must exist; ``tallow.toml`` of the working folder, if any, when None.

    Raises:
        UserError: BAD_CONFIG with file, key, nearest key and what was received.
    """
    path = file or Path.cwd() / FILE_NAME
    layers = [(str(path), _flatten(_read(path)))] if file or path.exists() else []
    layers.append(("environment", _from_environment(os.environ if environment is None else environment)))
    layers.append(("command line", {key: value for key, value in (overrides or {}).items() if value is not None}))
    values: dict[str, tuple[object, str]] = {}
    known = _known()
    for origin, layer in layers:
        for name, value in layer.items():
            values[name] = (_checked(name, value, origin, known), origin)
    return _build(Settings(), "", values), [
        Setting(name, *values.get(name, (default, "default")), help=sentence)
        for name, (_, default, sentence) in known.items()
    ]


def _known() -> dict[str, tuple[type, object, str]]:
    found: dict[str, tuple[type, object, str]] = {}
    for prefix, owner in (("", Settings()), ("binance.", BinanceSettings())):
        hints = get_type_hints(type(owner))
        for item in fields(owner):
            if hints[item.name] in (str, int, float):
                found[prefix + item.name] = (hints[item.name], getattr(owner, item.name), item.metadata["help"])
    return found


def _build(owner: Any, prefix: str, values: Mapping[str, tuple[object, str]]) -> Any:
    changed: dict[str, object] = {}
    for item in fields(owner):
        current = getattr(owner, item.name)
        if isinstance(current, BinanceSettings):
            changed[item.name] = _build(current, f"{item.name}.", values)
        elif prefix + item.name in values:
            changed[item.name] = values[prefix + item.name][0]
    return replace(owner, **changed)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError("BAD_CONFIG", f"{path} cannot be read: {error}") from error


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    for name in environment:
        meant = name.removeprefix("TALLOW_").lower()
        if name.startswith("TALLOW_") and not name.startswith(PREFIX) and meant in _known():
            raise UserError("BAD_CONFIG", f"environment: {name} is not read", facts={"nearest": PREFIX + meant.upper()})
    names = (name for name in environment if name.startswith(PREFIX))
    return {name.removeprefix(PREFIX).lower().replace("__", "."): environment[name] for name in names}


def _checked(name: str, value: object, origin: str, known: Mapping[str, tuple[type, object, str]]) -> object:
    if name not in known:
        raise UserError(
            "BAD_CONFIG",
            f"{origin}: there is no setting {name!r}",
            facts={"nearest": ", ".join(nearest(name, known)) or ", ".join(known)},
            commands=["tallow config show"],
        )
    wanted = known[name][0]
    try:
        # TOML knows types, the environment only text: a number in quotes is a mistake in the one, not in the other.
        if isinstance(value, bool) or ((wanted is str) != isinstance(value, str) and origin.endswith(".toml")):
            raise ValueError
        return wanted(value)
    except (TypeError, ValueError):
        raise UserError(
            "BAD_CONFIG",
            f"{origin}: {name} = {value!r} is not {_ARTICLE[wanted]}",
            facts={"valid": known[name][2], "default": known[name][1]},
        ) from None


_ARTICLE: Mapping[type, str] = {str: "a text", int: "a whole number", float: "a number"}


def colours_allowed(environment: Mapping[str, str] | None = None) -> bool:
    """Say whether output may be coloured: not when ``NO_COLOR`` is set to anything (no-color.org)."""
    return not (os.environ if environment is None else environment).get("NO_COLOR")
