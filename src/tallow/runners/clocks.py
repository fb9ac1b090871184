"""Find where a source reads the wall clock, and make it read another moment."""

import ast

_NUMBERS = {"time.time": 1e7, "time": 1e7, "time_ns": 1e16, "perf_counter": 1e7, "monotonic": 1e7}
_MOMENTS = {"now", "utcnow", "today"}
_OWNERS = {"datetime", "date", "Timestamp", "dt", "pd", "pandas", "arrow", "pendulum"}


def move_clock(tree: ast.Module) -> bool:
    """Change a parsed source in place so that every reading of the clock is off by months; False when there is none."""
    mover = _Mover()
    mover.visit(tree)
    if mover.moved:
        ast.fix_missing_locations(tree)
    return mover.moved


class _Mover(ast.NodeTransformer):
    moved = False

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        offset = _offset(node)
        if offset is None:
            return node
        self.moved = True
        return ast.copy_location(ast.BinOp(node, ast.Add(), offset), node)


def _offset(node: ast.Call) -> ast.expr | None:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    owner = _last_name(function.value) if isinstance(function, ast.Attribute) else ""
    if name in _NUMBERS and owner in ("", "time") and not node.args:
        value = _NUMBERS[name]
        return ast.Constant(int(value) if name == "time_ns" else value)
    if name in _MOMENTS and owner in _OWNERS:
        text = "__import__('datetime').timedelta(days=117, hours=5, minutes=7, seconds=11)"
        return ast.parse(text, mode="eval").body
    return None


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
