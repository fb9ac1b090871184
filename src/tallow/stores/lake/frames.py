"""Frames in the shape of a table: its columns and types, unique and sorted by its key."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from tallow.domain.errors import UserError, nearest
from tallow.domain.tables import Table

if TYPE_CHECKING:
    import polars as pl
    from deltalake import Schema

Series = tuple[str, ...]
"""One value for each partition column of a table."""

_DELTA = {
    "string": "string", "int64": "long", "float64": "double", "bool": "boolean", "time": "timestamp",
    "binary": "binary",
}  # fmt: skip


def polars_schema(table: Table) -> "dict[str, pl.DataType]":
    """Give the columns and polars types of a table."""
    import polars as pl

    types: dict[str, pl.DataType] = {
        "string": pl.String(),
        "int64": pl.Int64(),
        "float64": pl.Float64(),
        "bool": pl.Boolean(),
        "time": pl.Datetime("us", "UTC"),
        "binary": pl.Binary(),
    }
    return {column.name: types[column.type] for column in table.columns}


def delta_schema(table: Table) -> "Schema":
    """Give the columns and Delta types of a table, each with its sentence as comment."""
    from deltalake import Field, Schema
    from deltalake.schema import PrimitiveType

    return Schema(
        [
            Field(column.name, PrimitiveType(_DELTA[column.type]), metadata={"comment": column.meaning})
            for column in table.columns
        ]
    )


def check_columns(table: Table, names: Iterable[str]) -> None:
    """Refuse a column that the table does not have.

    Raises:
        UserError: UNKNOWN_COLUMN with the nearest names.
    """
    for name in names:
        if name not in table.column_names:
            raise UserError(
                "UNKNOWN_COLUMN",
                f"{table.full_name} has no column {name!r}",
                facts={
                    "nearest": ", ".join(nearest(name, table.column_names)),
                    "columns": ", ".join(table.column_names),
                },
            )


def by_series(table: Table, rows: "pl.DataFrame") -> "dict[Series, pl.DataFrame]":
    """Split rows by the partition columns; each part typed, unique (the first of a key stays) and sorted.

    Columns that `rows` lacks are null; NaN becomes null, as the lake knows one sort of "not told".

    Raises:
        UserError: UNKNOWN_COLUMN when `rows` has a column the table has not.
    """
    import polars as pl

    check_columns(table, rows.columns)
    shaped = rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in polars_schema(table).items()
    ).with_columns(pl.selectors.float().fill_nan(None))
    if not table.partition:
        return {(): _ordered(table, shaped)}
    parts = shaped.partition_by(*table.partition, as_dict=True, maintain_order=True)
    return {_name(key): _ordered(table, part) for key, part in sorted(parts.items())}


def joined(table: Table, parts: "Mapping[Series, pl.DataFrame]") -> "pl.DataFrame":
    """Put the parts of a table back together, sorted by its key."""
    import polars as pl

    if not parts:
        return pl.DataFrame(schema=polars_schema(table))
    whole = pl.concat([parts[series] for series in sorted(parts)])
    return whole if table.key[: len(table.partition)] == table.partition else whole.sort(table.key)


def without(rows: "pl.DataFrame", known: "pl.DataFrame", on: Iterable[str]) -> "pl.DataFrame":
    """Give the rows whose values in `on` do not occur in `known`, in their order; null equals null."""
    return rows.join(known, on=list(on), how="anti", nulls_equal=True, maintain_order="left")


def where_of(table: Table, series: Series) -> Iterator[tuple[str, str]]:
    """Pair the partition columns with a series' values."""
    return zip(table.partition, series, strict=True)


def _name(key: tuple[object, ...]) -> Series:
    return tuple(str(value) for value in key)


def _ordered(table: Table, part: "pl.DataFrame") -> "pl.DataFrame":
    rest = [name for name in table.key if name not in table.partition]
    first = part[rest[0]]
    # Most parts arrive ascending; telling so is ten times cheaper than sorting them again.
    if not first.has_nulls() and (first.head(-1) < first.tail(-1)).all():
        return part
    return part.unique(rest, keep="first", maintain_order=True).sort(rest, maintain_order=True)
