"""Find where a source reads the wall clock, and make it read another moment."""

import ast

SHIFTS = (10_127_231, 90_061, 15_769_830)
"""Seconds by which the clock is moved, one trial each.

117 days 5:07:11; one of every unit; half of every unit, which crosses any threshold set in the middle.
"""

_UNITS = {"time.time": 1, "time": 1, "time_ns": 1_000_000_000, "perf_counter": 1, "monotonic": 1}
_MOMENTS = {"now", "utcnow", "today"}
_OWNERS = {"datetime", "date", "Timestamp", "dt", "pd", "pandas", "arrow", "pendulum"}


def move_clock(tree: ast.Module, seconds: int) -> bool:
    """Change a parsed source in place so that every reading of the clock is later; False when there is none."""
    mover = _Mover(seconds)
    mover.visit(tree)
    if mover.moved:
        ast.fix_missing_locations(tree)
    return mover.moved


class _Mover(ast.NodeTransformer):
    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.moved = False

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        offset = _offset(node, self.seconds)
        if offset is None:
            return node
        self.moved = True
        return ast.copy_location(ast.BinOp(node, ast.Add(), offset), node)


def _offset(node: ast.Call, seconds: int) -> ast.expr | None:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    owner = _last_name(function.value) if isinstance(function, ast.Attribute) else ""
    if name in _UNITS and owner in ("", "time") and not node.args:
        value = seconds * _UNITS[name]
        return ast.Constant(value if name == "time_ns" else float(value))
    if name in _MOMENTS and owner in _OWNERS:
        return ast.parse(f"__import__('datetime').timedelta(seconds={seconds})", mode="eval").body
    return None


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
