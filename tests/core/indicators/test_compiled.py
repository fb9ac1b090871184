import types

import numpy as np

from tallow.core.indicators import averages, sums
from tallow.core.indicators.compiled import compiled, fingerprint


@compiled
def ratio(left, right):
    return left / right


def half(value):
    return ratio(value, 2.0)


def changed(function, **globals_):
    return types.FunctionType(function.__code__, function.__globals__ | globals_, function.__name__)


def test_division_by_zero_is_not_an_exception():
    assert np.isinf(ratio(1.0, 0.0))
    assert np.isnan(ratio(0.0, 0.0))


def test_keeps_the_python_function_and_its_name():
    assert ratio.py_func(1.0, 4.0) == ratio(1.0, 4.0) == 0.25
    assert ratio.__name__ == ratio.__qualname__ == ratio.py_func.__qualname__ == "ratio"


def test_the_fingerprint_follows_what_a_kernel_uses():
    @compiled
    def other(left, right):
        return right / left

    assert fingerprint(half) == fingerprint(changed(half))
    assert fingerprint(half) != fingerprint(changed(half, ratio=other))
    assert ratio.fingerprint != other.fingerprint


def test_a_change_deep_below_changes_the_name_of_the_machine_code():
    def plain_add(high, low, value):
        return high + value, low

    def name(dispatcher):
        return dispatcher._cache._impl.filename_base

    deeper = compiled(changed(sums.prefix_step.py_func, add=compiled(plain_add)))
    higher = compiled(changed(averages.sma_step.py_func, prefix_step=deeper))
    assert name(compiled(changed(averages.sma_step.py_func))) == name(averages.sma_step)
    assert name(higher) != name(averages.sma_step)
