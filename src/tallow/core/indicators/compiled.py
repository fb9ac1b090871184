"""The one way in which a kernel is compiled: cached on disk, without the interpreter lock, exact arithmetic."""

import hashlib
from collections.abc import Callable
from types import CodeType
from typing import Any, TypeVar

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def compiled(function: Kernel) -> Kernel:
    """Compile a step or a loop over steps on its first call, and keep its type for the type checker.

    No fast-math: a reordered sum would make the batch form differ from the steps in the last bit. Division by zero
    gives infinity or NaN, as in numpy. Steps are inlined into their loop: states that hold rings are costly to pass.
    Kernels and constants that a kernel uses must stand above it.
    """
    name, seen = function.__qualname__, fingerprint(function)
    # Numba looks for machine code under this name, and notices only changes of the kernel's own file.
    function.__qualname__ = f"{name}_{seen[:16]}"
    kernel: Any = njit(cache=True, nogil=True, forceinline=True, error_model="numpy")(function)
    kernel.__qualname__ = function.__qualname__ = name
    kernel.fingerprint = seen
    typed: Kernel = kernel
    return typed


def fingerprint(function: Callable[..., object]) -> str:
    """Give a hash that changes with the code of a function and of every kernel, constant and tuple it uses."""
    code = function.__code__
    constants = [value for value in code.co_consts if not isinstance(value, CodeType)]
    seen = hashlib.sha256(repr((code.co_code, constants, code.co_names, code.co_varnames)).encode())
    for name in code.co_names:
        used = function.__globals__.get(name)
        kept = used if isinstance(used, int | float) else getattr(used, "fingerprint", getattr(used, "_fields", None))
        seen.update(f"{name}={kept!r}".encode())
    return seen.hexdigest()
