"""The one way in which a kernel is compiled: cached on disk, without the interpreter lock, exact arithmetic."""

from collections.abc import Callable
from typing import TypeVar

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def compiled(function: Kernel) -> Kernel:
    """Compile a step or a loop over steps on its first call, and keep its type for the type checker.

    No fast-math: a reordered sum would make the batch form differ from the steps in the last bit. Division by zero
    gives infinity or NaN, as in numpy. Steps are inlined into their loop: states that hold rings are costly to pass.
    """
    kernel: Kernel = njit(cache=True, nogil=True, forceinline=True, error_model="numpy")(function)
    return kernel
