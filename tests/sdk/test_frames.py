import builtins
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tallow.domain.errors import UserError
from tallow.sdk.frames import give, take_bars

FRAME = pl.DataFrame(
    {"time": [0, 1, None], "name": ["a", "b", None], "value": [1.0, 2.0, 3.0], "flag": [True, False, True]}
).with_columns(pl.col("time").cast(pl.Datetime("us", "UTC")))


def test_pandas_is_the_default() -> None:
    frame = give(FRAME, None)
    assert isinstance(frame, pd.DataFrame)
    assert frame["time"].iloc[1] == pd.Timestamp(1, unit="us", tz="UTC")
    assert frame["time"].isna().tolist() == [False, False, True]
    assert frame["name"].tolist()[:2] == ["a", "b"]
    assert frame["value"].tolist() == [1.0, 2.0, 3.0]


def test_a_column_can_be_the_index() -> None:
    frame = give(FRAME.drop_nulls(), "pandas", index="time")
    assert frame.index.name == "time"
    assert list(frame.columns) == ["name", "value", "flag"]
    assert str(frame.index.tz) == "UTC"


def test_polars_and_arrow() -> None:
    assert give(FRAME, "polars") is FRAME
    table = give(FRAME, "arrow")
    assert isinstance(table, pa.Table)
    assert table["value"].to_pylist() == [1.0, 2.0, 3.0]


def test_another_kind_is_refused() -> None:
    with pytest.raises(UserError, match="BAD_PARAMETER"):
        give(FRAME, "excel")  # type: ignore[arg-type]


def test_arrow_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == "pyarrow":
            raise ImportError
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match="MISSING_EXTRA") as caught:
        give(FRAME, "arrow")
    assert "tallow[arrow]" in caught.value.hint


def candles(capitals: bool = False) -> pd.DataFrame:
    index = pd.date_range("2024-01-01", periods=3, freq="1h", tz="UTC")
    names = ["open", "high", "low", "close", "volume"]
    frame = pd.DataFrame({name: [1.0, 2.0, 3.0] for name in names}, index=index)
    return frame.rename(columns=str.capitalize) if capitals else frame


@pytest.mark.parametrize(
    "frame",
    [
        candles(),
        candles(capitals=True),
        candles().tz_localize(None),
        candles().reset_index(names="timestamp"),
        candles().reset_index(names="Date"),
        pl.from_pandas(candles().reset_index(names="time")),
    ],
)
def test_candles_come_in_many_shapes(frame: object) -> None:
    bars = take_bars(frame)
    first = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
    assert bars.time.tolist() == [first, first + 3_600_000_000, first + 7_200_000_000]
    assert bars.close.tolist() == [1.0, 2.0, 3.0]
    assert np.isnan(bars.trades).all()


def test_known_further_columns_are_kept() -> None:
    assert take_bars(candles().assign(trades=[4, 5, 6])).trades.tolist() == [4.0, 5.0, 6.0]


@pytest.mark.parametrize("frame", [candles().drop(columns="low"), candles().reset_index(drop=True)])
def test_what_is_missing_is_named(frame: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="BAD_FRAME") as caught:
        take_bars(frame)
    assert caught.value.facts["missing"] in ("low", "time index")
