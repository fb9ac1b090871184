import os
import subprocess
import sys
import types

import pytest
from numba import njit

from tallow.core.engine.fingerprints import fingerprint_of

SOURCE = """
limit = 1.0
def helper(x): return x * 2
def rule(x): return helper(x) + 1
def outer():
    def inner(x): return x in {"a", "b", "c"}
    return inner
"""


def module(source: str) -> types.ModuleType:
    made = types.ModuleType("rules")
    exec(source, made.__dict__)
    made.rule = njit(made.rule)
    for function in (made.helper, made.outer):
        function.__module__ = "rules"
    return made


@pytest.mark.parametrize(("old", "new"), [("1.0", "2.0"), ("x * 2", "x * 3"), ("+ 1", "+ 2"), ('"c"', '"d"')])
def test_machine_code_on_disk_belongs_to_the_source_it_was_made_from(old, new):
    assert old in SOURCE
    assert fingerprint_of(module(SOURCE)) == fingerprint_of(module(SOURCE))
    assert fingerprint_of(module(SOURCE.replace(old, new))) != fingerprint_of(module(SOURCE))


def test_the_fingerprint_of_the_engine_is_that_of_every_process():
    code = "from tallow.core.engine.kernels import FINGERPRINT; print(FINGERPRINT)"
    found = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
