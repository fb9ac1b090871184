"""Keep what numba compiled of a strategy between its imports: compiling takes seconds, importing a millisecond."""

import contextlib
import sys
from collections.abc import Callable, Hashable, Iterator
from types import FunctionType
from typing import Any

_DECORATORS = ("jit", "njit", "vectorize", "guvectorize")
Kernels = dict[Hashable, Any]


@contextlib.contextmanager
def kept(kernels: Kernels, module_name: str) -> Iterator[None]:
    """Let numba give back what it compiled earlier from equal code of the named module.

    Compiled code takes the module's values as constants, so it carries no state from one import to the next; functions
    that close over something that cannot be compared are compiled again.
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
    key = (function.__code__, function.__qualname__, function.__defaults__, closed, options)
    try:
        hash(key)
    except TypeError:
        return None
    return key
