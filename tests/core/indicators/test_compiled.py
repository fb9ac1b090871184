import numpy as np

from tallow.core.indicators.compiled import compiled


@compiled
def ratio(left, right):
    return left / right


def test_division_by_zero_is_not_an_exception():
    assert np.isinf(ratio(1.0, 0.0))
    assert np.isnan(ratio(0.0, 0.0))


def test_keeps_the_python_function_and_its_name():
    assert ratio.py_func(1.0, 4.0) == ratio(1.0, 4.0) == 0.25
    assert ratio.__name__ == "ratio"
