"""Sixty-four rows in one number: comparisons of two columns as bits, and the places of those bits.

Written as vectors for the compiler, because it makes bytes and not bits of a loop over comparisons, at twice the time.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WORD = 64  # rows in a number
_BIT, _PLACE = ir.IntType(1), ir.IntType(WORD)


@intrinsic
def greater_bits(typing_context: Any, left: Any, right: Any, row: Any) -> Any:  # pragma: no cover
    """Say for 64 rows from `row` on whether one column is greater: the first in the lowest bit, False for NaN.

    The columns must have that many rows: nothing is checked.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.DoubleType(), WORD)
        sides = []
        for kind, column in zip(signature.args[:2], arguments[:2], strict=True):
            data = context.make_array(kind)(context, builder, column).data
            place = builder.bitcast(builder.gep(data, [arguments[2]]), vector.as_pointer())
            sides.append(builder.load(place))
            sides[-1].align = 8
        return builder.bitcast(builder.fcmp_ordered(">", *sides), _PLACE)

    return types.uint64(left, right, types.intp), generate


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
