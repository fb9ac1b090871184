"""Comma-separated text becomes a table of text; feather and parquet files are tables already."""

import io

import polars as pl

from tallow.domain.errors import DataError
from tallow.venues.files.parse.content import Content


def read_table(content: Content) -> pl.DataFrame:
    """Read all rows, of a text as text; columns are named as in the header, folded to lower case, else by place.

    Short rows are filled with null, cells beyond the first row's are dropped.

    Raises:
        DataError: BAD_PAGE when the text is no table.
    """
    if content.frame is not None:
        return content.frame
    headed = bool(content.header)
    try:
        frame = pl.read_csv(
            io.BytesIO(content.data),
            has_header=headed,
            skip_rows=content.banner_lines,
            infer_schema=False,
            truncate_ragged_lines=True,
            encoding="utf8-lossy",
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(
            "BAD_PAGE", f"{content.name} is no table", facts={"seen": content.seen, "because": str(error)[:200]}
        ) from None
    names = content.header if headed else tuple(str(place) for place in range(frame.width))
    return frame.rename(dict(zip(frame.columns, _unique(names), strict=False)))


def _unique(names: tuple[str, ...]) -> list[str]:
    return [name if name not in names[:place] else f"{name} {place}" for place, name in enumerate(names)]
