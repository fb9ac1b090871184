import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallow.domain.ranges import parse_time
from tallow.venues.files.parse.times import BAD, FIRST, LAST, epoch, moments


@given(second=st.integers(FIRST, LAST - 1), digits=st.integers(0, 999_999))
def test_every_unit_of_every_moment_is_told_by_its_size(second: int, digits: int) -> None:
    exact = second * 1_000_000 + digits
    forms = [second, exact // 1_000, exact, exact * 1_000 + 999]
    expected = [second * 1_000_000, exact // 1_000 * 1_000, exact, exact]
    assert epoch(np.array(forms)).tolist() == expected
    assert moments(pl.Series([str(form) for form in forms])).tolist() == expected


@pytest.mark.parametrize("value", [0, -1, 12, FIRST - 1, LAST, LAST * 1_000, 99_999_999_999_999_999, 2**63 - 1])
def test_what_is_no_moment_of_this_market_is_bad(value: int) -> None:
    assert epoch(np.array([value])).tolist() == [BAD]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.5])
def test_no_number_is_no_moment(value: float) -> None:
    assert epoch(np.array([value])).tolist() == [BAD]


def test_decimal_seconds_keep_their_microseconds() -> None:
    assert epoch(np.array([1762795433.971744])).tolist() == [1762795433971744]
    assert epoch(np.array([1.704e18])).tolist() == [1704000000000000]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-12-31 23:01:00.000000", "2021-12-31T23:01Z"),
        ("2021-12-31 23:01:07", "2021-12-31T23:01:07Z"),
        ("2021-12-31 23:01", "2021-12-31T23:01Z"),
        ("2021-12-31T23:01:00Z", "2021-12-31T23:01Z"),
        ("2021-12-31T23:01:00.5+00:00", "2021-12-31T23:01:00.5Z"),
        ("2021-12-31 23:01:00 UTC", "2021-12-31T23:01Z"),
        ("2017-10-10", "2017-10-10"),
        ("2019-10-17 09-AM", "2019-10-17T09:00Z"),
        ("2019-10-17 12-AM", "2019-10-17"),
        ("2019-10-17 12-PM", "2019-10-17T12:00Z"),
        ("20180501 01:00", "2018-05-01T01:00Z"),
        ("20201229 08:00:01", "2020-12-29T08:00:01Z"),
        (" 1672531436 ", "2023-01-01T00:03:56Z"),
        ("1672531436.25", "2023-01-01T00:03:56.25Z"),
    ],
)
def test_spellings_of_time(text: str, moment: str) -> None:
    assert moments(pl.Series([text])).tolist() == [parse_time(moment)]


@pytest.mark.parametrize(
    "text", ["", "x", "2021-13-01", "2021-02-30", "2019-10-17 25-AM", "2021-12-31 23:01:00+02:00", "1999-01-01", "12"]
)
def test_what_is_no_time_is_bad(text: str) -> None:
    assert moments(pl.Series([text, None])).tolist() == [BAD, BAD]


def test_columns_of_every_type() -> None:
    expected = [1704067200000000, BAD]
    stamps = pl.Series([1704067200000, None])
    assert moments(stamps).tolist() == expected
    assert moments(stamps.cast(pl.Float64)).tolist() == expected
    for unit, factor in (("ns", 1_000_000), ("us", 1_000), ("ms", 1)):
        column = (stamps * factor).cast(pl.Datetime(unit, "UTC"))
        assert moments(column).tolist() == expected
    assert moments(pl.Series(["2024-01-01", None]).str.to_date()).tolist() == expected


def test_mixed_units_and_spellings_in_one_column() -> None:
    column = pl.Series(["1704067200", "1704067200000", "1704067200000000", "1704067200.0", "2024-01-01", "no"])
    assert moments(column).tolist() == [1704067200000000] * 5 + [BAD]
