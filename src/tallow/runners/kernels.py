"""Keep what numba compiled of a strategy between its imports: compiling takes seconds, importing a millisecond."""

import ast
import builtins
import contextlib
import dis
import sys
from collections.abc import Callable, Hashable, Iterator
from types import FunctionType, ModuleType
from typing import Any

_DECORATORS = ("jit", "njit", "vectorize", "guvectorize")
Kernels = dict[Hashable, Any]


@contextlib.contextmanager
def kept(kernels: Kernels, module_name: str) -> Iterator[None]:
    """Let numba give back what it compiled earlier from equal code of the named module.

    Compiled code takes the module's values as constants. Functions that read what can change, or close over something
    that cannot be compared, are compiled again at every import: in them state could outlive it.
    """
    numba = sys.modules.get("numba")
    if numba is None:
        yield
        return
    originals = {name: getattr(numba, name) for name in _DECORATORS}
    for name, original in originals.items():
        setattr(numba, name, _remembering(original, kernels, module_name))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(numba, name, original)


def _remembering(original: Callable[..., Any], kernels: Kernels, module_name: str) -> Callable[..., Any]:
    def once(function: object, options: Hashable, make: Callable[[], Any]) -> Any:
        key = _key(function, options) if getattr(function, "__module__", "") == module_name else None
        if key is None:
            return make()
        if key not in kernels:
            kernels[key] = make()
        return kernels[key]

    def decorate(*arguments: Any, **options: Any) -> Any:
        said = original.__name__, repr(arguments[1:]), repr(sorted(options.items()))
        if arguments and isinstance(arguments[0], FunctionType):
            return once(arguments[0], said, lambda: original(*arguments, **options))
        wrap = original(*arguments, **options)
        said = original.__name__, repr(arguments), repr(sorted(options.items()))
        return lambda function: once(function, said, lambda: wrap(function))

    return decorate


def _key(function: object, options: Hashable) -> Hashable | None:
    if not isinstance(function, FunctionType):
        return None
    closed = tuple(cell.cell_contents for cell in function.__closure__ or ())
    try:
        key = (function.__code__, function.__qualname__, function.__defaults__, closed, options, _read(function))
        hash(key)
    except (TypeError, LookupError):
        return None
    return key


def _read(function: FunctionType) -> Hashable:
    """Give what a function reads of its module; numba freezes it, so what can change later must not be kept.

    Raises:
        LookupError: for a name that is not defined yet, or a value that can be changed in place.
    """
    used: list[Hashable] = []
    for instruction in dis.get_instructions(function):
        name = instruction.argval
        if instruction.opname != "LOAD_GLOBAL" or (name not in function.__globals__ and hasattr(builtins, name)):
            continue
        value = function.__globals__[name]
        if isinstance(value, ModuleType) or hasattr(value, "py_func"):
            used.append((name, id(value)))
        elif isinstance(value, bool | int | float | complex | str | tuple):
            used.append((name, repr(value)))
        else:
            raise LookupError(name)
    return tuple(used)


def may_keep(tree: ast.AST) -> bool:
    """Say whether a module leaves its names alone once it is imported: no `global`, no way around it."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    rebinds = any(isinstance(node, ast.Global) for node in ast.walk(tree))
    return not rebinds and not (names | attributes) & {"globals", "vars", "setattr", "exec", "__dict__", "modules"}
