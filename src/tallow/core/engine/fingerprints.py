"""Numbers that change with code: machine code kept on disk is never used after a rule in it has changed."""

import hashlib
from types import CodeType, FunctionType, ModuleType


def fingerprint_of(*modules: ModuleType) -> int:
    """Give a number that changes with the code or the constants of any function in these modules."""
    seen = hashlib.sha256()
    for module in modules:
        for name, value in sorted(vars(module).items()):
            # A compiled function has its Python form, what builds instructions its definition.
            function = getattr(value, "py_func", None) or getattr(value, "_defn", None)
            own = isinstance(value, FunctionType) and value.__module__ == module.__name__
            if isinstance(value, int | float):
                seen.update(f"{name}={value!r}".encode())
            elif function is not None or own:
                seen.update(_code_bytes((function or value).__code__))
    return int.from_bytes(seen.digest()[:7], "big")


def _code_bytes(code: CodeType) -> bytes:
    constants = [_constant(value) for value in code.co_consts]
    return repr((code.co_name, code.co_code, constants, code.co_names, code.co_varnames)).encode()


def _constant(value: object) -> object:
    if isinstance(value, CodeType):
        return _code_bytes(value)
    # The order of a set is another one in every process.
    return sorted(map(repr, value)) if isinstance(value, frozenset) else value
