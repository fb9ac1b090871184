import sys
from pathlib import Path

import numba
import pytest

from tallow.runners.kernels import kept
from tallow.runners.sources import imported, read_source


def twice(write, text):
    """Import a file two times and give what `get` of it returned."""
    source = read_source(Path(write(text)))
    found = []
    for _ in range(2):
        with imported(source) as module:
            found.append(module.get())
    return found


@pytest.mark.parametrize(
    "text",
    [
        "from numba import njit\n@njit\ndef f(x):\n    return 2 * x\n",
        "from numba import njit\n@njit(nogil=True)\ndef f(x):\n    return 2 * x\n",
        "import numba as nb\nf = nb.jit(lambda x: 2 * x)\n",
        "import numba\n@numba.vectorize\ndef f(x):\n    return 2 * x\n",
        "from numba import njit\ndef make(k):\n    return njit(lambda x: k * x)\nf = make(2)\n",
    ],
)
def test_equal_code_is_compiled_once(write, text):
    first, second = twice(write, text + "def get():\n    assert f(3) == 6\n    return f\n")
    assert first is second


@pytest.mark.parametrize(
    "text",
    [
        "from numba import njit\nf = njit(eval(f'lambda x: x + {next(TURNS)}'))\n",
        "from numba import njit\ndef make(k):\n    return njit(lambda x: k)\nf = make([1, 2])\n",
    ],
)
def test_other_code_or_what_cannot_be_compared_is_compiled_again(write, text, monkeypatch):
    monkeypatch.setattr("builtins.TURNS", iter(range(9)), raising=False)
    first, second = twice(write, text + "def get():\n    return f\n")
    assert first is not second


def test_functions_of_other_modules_are_left_alone():
    def mine(x):
        return x

    kernels = {}
    with kept(kernels, "somebody_else"):
        numba.njit(mine)
        numba.njit()(mine)
    assert kernels == {}


def test_what_is_no_function_is_left_to_numba():
    with kept({}, "builtins"), pytest.raises(TypeError):
        numba.njit()(len)


def test_numba_is_put_back():
    before = numba.njit
    with kept({}, "x"):
        assert numba.njit is not before
    assert numba.njit is before


def test_without_numba_there_is_nothing_to_keep(monkeypatch):
    monkeypatch.delitem(sys.modules, "numba")
    with kept({}, "x"):
        assert "numba" not in sys.modules


@pytest.mark.parametrize(
    "text",
    [
        "N = 0\n@njit\ndef f(x):\n    return x * N\ndef set_it():\n    global N\n    N = 3\n",
        "N = np.zeros(1)\n@njit\ndef f(x):\n    return x * N[0]\n",
        "@njit\ndef f(x):\n    return x * LATER\nLATER = 2\n",
    ],
)
def test_what_reads_changeable_values_is_compiled_again(write, text):
    head = "import numpy as np\nfrom numba import njit\n"
    first, second = twice(write, head + text + "def get():\n    return f\n")
    assert first is not second


def test_constants_that_nobody_rebinds_are_kept(write):
    text = "from numba import njit\nN = 2\n@njit\ndef g(x):\n    return x\n@njit\ndef f(x):\n    return N * g(x)\n"
    first, second = twice(write, text + "def get():\n    return f\n")
    assert first is second
