"""Sixty-four rows in one number: comparisons of two columns as bits, and the places of those bits.

Written as vectors for the compiler, because it makes bytes and not bits of a loop over comparisons, at twice the time.
"""

from typing import Any

from numba import types
from numba.core.cgutils import ir
from numba.extending import intrinsic

WORD = 64  # rows in a number
_BIT, _PLACE = ir.IntType(1), ir.IntType(WORD)


def _rows(context: Any, builder: Any, column: tuple[Any, Any], row: Any) -> Any:
    # The 64 numbers of a column from a row on.
    kind, value = column
    vector = ir.VectorType(context.get_value_type(kind.dtype), WORD)
    data = context.make_array(kind)(context, builder, value).data
    rows = builder.load(builder.bitcast(builder.gep(data, [row]), vector.as_pointer()))
    rows.align = kind.dtype.bitwidth // 8
    return rows


@intrinsic
def greater_bits(typing_context: Any, left: Any, right: Any, row: Any) -> Any:  # pragma: no cover
    """Say for 64 rows from `row` on whether one column is greater: the first in the lowest bit, False for NaN.

    The columns must have that many rows: nothing is checked.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        columns = zip(signature.args[:2], arguments[:2], strict=True)
        sides = [_rows(context, builder, column, arguments[2]) for column in columns]
        return builder.bitcast(builder.fcmp_ordered(">", *sides), _PLACE)

    return types.uint64(left, right, types.intp), generate


@intrinsic
def changed_bits(typing_context: Any, column: Any, row: Any) -> Any:  # pragma: no cover
    """Say for 64 rows from `row` on whether a number differs from the one before it.

    NaN does not, and what follows it does. The column must have those rows and the one before them: nothing is checked.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind, (values, first) = signature.args[0], arguments
        before = builder.sub(first, ir.Constant(_PLACE, 1))
        now, last = (_rows(context, builder, (kind, values), place) for place in (first, before))
        if isinstance(kind.dtype, types.Integer):
            return builder.bitcast(builder.icmp_unsigned("!=", now, last), _PLACE)
        changed = builder.and_(builder.fcmp_unordered("!=", now, last), builder.fcmp_ordered("ord", now, now))
        return builder.bitcast(changed, _PLACE)

    return types.uint64(column, types.intp), generate


@intrinsic
def first_bit(typing_context: Any, word: Any) -> Any:  # pragma: no cover
    """Give the place of the lowest bit that is set; 64 when none is."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(_BIT, 0))

    return types.int64(types.uint64), generate


@intrinsic
def last_bit(typing_context: Any, word: Any) -> Any:  # pragma: no cover
    """Give the place of the highest bit that is set, of a number that is not zero."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        zeros = builder.ctlz(arguments[0], ir.Constant(_BIT, 1))
        return builder.sub(ir.Constant(_PLACE, WORD - 1), zeros)

    return types.int64(types.uint64), generate
