"""Frames in and out: pandas, Polars or Arrow."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tallow.domain.columns import COLUMNS, Bars, Times
from tallow.domain.errors import UserError

if TYPE_CHECKING:
    import polars as pl

As = Literal["pandas", "polars", "arrow"]
NOT_A_TIME = -(2**63)  # what numpy reads as NaT


def give(frame: "pl.DataFrame", as_: As | None, index: str | None = None) -> Any:
    """Hand a frame out as pandas (the default; `index` becomes its index), Polars or a pyarrow Table.

    Raises:
        UserError: BAD_PARAMETER for another kind; MISSING_EXTRA when pyarrow is not installed.
    """
    if as_ in (None, "pandas"):
        return _pandas(frame, index)
    if as_ == "polars":
        return frame
    if as_ == "arrow":
        return _arrow(frame)
    raise UserError("BAD_PARAMETER", f"as_={as_!r} is no kind of frame", facts={"valid": "pandas, polars, arrow"})


def take_bars(data: Any) -> Bars:
    """Read candles from a pandas or Polars frame: a time index or column, open high low close volume.

    Column names may be capitalised; the time may be called timestamp, time or date. Times without zone are UTC.

    Raises:
        UserError: BAD_FRAME naming what is missing.
    """
    columns = {str(name).lower(): data[name] for name in data.columns}
    time = next((columns[name] for name in ("timestamp", "time", "date") if name in columns), None)
    stamps = _moments(getattr(data, "index", None) if time is None else time)
    missing = [name for name in COLUMNS[1:6] if name not in columns] + (["time index"] if stamps is None else [])
    if missing or stamps is None:
        raise UserError(
            "BAD_FRAME",
            "the frame does not hold candles",
            facts={
                "missing": ", ".join(missing),
                "received": ", ".join(map(str, data.columns)),
                "valid": "a DatetimeIndex, or a timestamp, time or date column; open high low close volume",
            },
        )
    first, high, low, close, volume = (np.asarray(columns[name], np.float64) for name in COLUMNS[1:6])
    known = {name: np.asarray(columns[name], np.float64) for name in COLUMNS[6:] if name in columns}
    return Bars.of(stamps, (first, high, low, close, volume), **known)


def _moments(values: Any) -> "Times | None":
    """Give moments as int64 microseconds UTC; None when the values are no moments."""
    # Polars is told by its method: importing it to compare types would slow down callers who use pandas alone.
    if hasattr(values, "to_physical"):
        import polars as pl

        is_moment = isinstance(values.dtype, pl.Datetime)
        return values.cast(pl.Datetime("us")).to_physical().to_numpy() if is_moment else None
    if values is None or getattr(getattr(values, "dtype", None), "kind", "") != "M":
        return None
    import pandas as pd

    return pd.DatetimeIndex(pd.to_datetime(values, utc=True)).as_unit("us").asi8


def _pandas(frame: "pl.DataFrame", index: str | None) -> Any:
    import pandas as pd

    columns = {name: _column(frame[name]) for name in frame.columns if name != index}
    if index is None:
        return pd.DataFrame(columns)
    return pd.DataFrame(columns, index=pd.DatetimeIndex(_column(frame[index]), name=index))


def _column(values: "pl.Series") -> Any:
    import pandas as pd
    import polars as pl

    if isinstance(values.dtype, pl.Datetime):
        moments = values.to_physical().fill_null(NOT_A_TIME).to_numpy().view("datetime64[us]")
        return pd.DatetimeIndex(moments).tz_localize("UTC")
    if values.dtype.is_numeric() or values.dtype == pl.Boolean:
        return values.to_numpy()
    return values.to_list()


def _arrow(frame: "pl.DataFrame") -> Any:
    try:
        import pyarrow as pa
    except ImportError:
        raise UserError(
            "MISSING_EXTRA", 'as_="arrow" needs pyarrow', commands=["pip install 'tallow[arrow]'"]
        ) from None
    return pa.table(frame)
