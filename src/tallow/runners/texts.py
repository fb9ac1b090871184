"""Strategies that are objects of the caller's program, turned into files that stand alone."""

import ast
import atexit
import inspect
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from types import FunctionType, ModuleType
from typing import Any

from tallow.core.strategies import BUILT_IN
from tallow.domain.errors import UserError
from tallow.ports import Strategy
from tallow.runners.inline import load, load_file
from tallow.runners.sources import WRITTEN, parted, write_beside

Code = Callable[..., Any] | type


def load_object(code: Code, parameters: Mapping[str, Any]) -> Strategy:
    """Load a function `signals(bars, ...)` or a Strategy class of a notebook or program.

    Its text and what it uses (imports, constants, functions) are written to a file of their own, so that the check can
    run it afresh and the result can be replayed later.

    Raises:
        UserError: BAD_STRATEGY when the text is not to be had, or it uses what cannot be written down.
    """
    return load_text(code.__name__, text_of(code), parameters)


def load_text(name: str, text: str, parameters: Mapping[str, Any]) -> Strategy:
    """Load a strategy from its text, modules beside it included; the files live as long as this process."""
    main, beside = parted(text)
    folder = Path(tempfile.mkdtemp(prefix=WRITTEN))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_beside(folder, beside)
    path = folder / f"{name if name.isidentifier() else 'strategy'}.py"
    path.write_text(main, encoding="utf-8")
    return load_file(path, parameters)


def load_stored(name: str, text: str, parameters: Mapping[str, Any]) -> Strategy:
    """Load the strategy of a stored result: the built-in one it was, or its text.

    Raises:
        UserError: STRATEGY_CHANGED when it was a built-in strategy whose rule is another one today.
    """
    if name in BUILT_IN and text.startswith(f"def {name}(bars: Bars"):
        strategy = load(name, parameters)
        if strategy.source == text:
            return strategy
        raise UserError(
            "STRATEGY_CHANGED",
            f"the built-in strategy {name!r} has changed since the result was stored",
            commands=[f"tallow backtest {name}"],
        )
    return load_text(name, text, parameters)


def text_of(code: Code) -> str:
    """Write a function or class as a module that stands alone: what it uses first, `signals` last."""
    # Annotations name what the code itself may not use; they are never evaluated this way.
    parts = ["from __future__ import annotations", *dict.fromkeys(_needed(code, set()))]
    alias = f"signals = {code.__name__}" if isinstance(code, FunctionType) and code.__name__ != "signals" else ""
    return "\n".join([*parts, *([alias] if alias else [])]) + "\n"


def _needed(code: Code, seen: set[str]) -> Iterator[str]:
    seen.add(code.__name__)
    try:
        text = dedent(inspect.getsource(code)).rstrip()
        used = _used(code, text)
    except (OSError, TypeError, SyntaxError) as problem:
        raise _cannot(f"the text of {code.__name__} is not to be had", str(problem)) from problem
    for name, value in used.items():
        if name not in seen:
            seen.add(name)
            yield from _written(name, value, seen)
    yield text


def _written(name: str, value: object, seen: set[str]) -> Iterator[str]:
    if isinstance(value, ModuleType):
        yield f"import {value.__name__} as {name}"
    elif isinstance(value, bool | int | float | str | bytes | type(None)):
        yield f"{name} = {value!r}"
    elif inspect.isfunction(value) or inspect.isclass(value):
        module = inspect.getmodule(value)
        # What can be imported elsewhere is imported; what lives in the caller's own files is written down.
        if module is not None and module.__name__ != "__main__" and _installed(module):
            yield f"from {module.__name__} import {value.__name__} as {name}"
        else:
            yield from _needed(value, seen)
    elif getattr(value, "__module__", None) and getattr(value, "__name__", None):
        yield f"from {value.__module__} import {value.__name__} as {name}"  # type: ignore[attr-defined]
    else:
        raise _cannot(f"it uses {name}, a {type(value).__name__} of your program", "make it a parameter or a constant")


def _used(code: Code, text: str) -> dict[str, object]:
    """Find what the text names and the program around it defines; annotations do not count."""
    tree = _WithoutAnnotations().visit(ast.parse(text))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    around: dict[str, object] = dict(vars(sys.modules[code.__module__])) if code.__module__ in sys.modules else {}
    if inspect.isfunction(code):
        around |= {**code.__globals__, **inspect.getclosurevars(code).nonlocals}
    return {name: around[name] for name in sorted(names) if name in around and name != code.__name__}


class _WithoutAnnotations(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)


def _installed(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return file is None or "site-packages" in file or module.__name__.partition(".")[0] == "tallow"


def _cannot(what: str, why: str) -> UserError:
    return UserError(
        "BAD_STRATEGY",
        f"the strategy cannot be written down on its own: {what}",
        facts={"because": why},
        commands=["put it into a file and give the path"],
    )
