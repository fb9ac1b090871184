import math

import numpy as np
import pytest

from tallow.domain.timeframes import DAY, HOUR, MINUTE, SECOND
from tallow.flows.report import figures


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "expected"),
    [
        (0.0, 2, False, "0.00"),
        (-0.001, 2, True, "0.00"),
        (1234567.891, 2, False, "1,234,567.89"),
        (-1234.5, 1, False, "−1,234.5"),
        (12, 0, True, "+12"),
        (-12.0, 0, True, "−12"),
        (None, 2, True, "–"),
        (math.nan, 2, False, "–"),
        (math.inf, 2, False, "–"),
    ],
)
def test_number(value: float | None, decimals: int, signed: bool, expected: str) -> None:
    assert figures.number(value, decimals, signed=signed) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(12.345, "+12.35\u00a0%"), (-0.5, "−0.50\u00a0%"), (0.0, "0.00\u00a0%"), (None, "–")]
)
def test_percent(value: float | None, expected: str) -> None:
    assert figures.percent(value, signed=True) == expected


@pytest.mark.parametrize(
    ("prices", "tick_size", "expected"),
    [
        ([42_000.0, 42_001.5], 0.0, 1),
        ([1.0, 2.0], 0.0, 0),
        ([1.23, 1.2345], 0.0, 4),
        ([0.00001234], 0.0, 8),
        ([42_000.0], 0.01, 2),
        ([42_000.123456], 0.5, 1),
        ([1 / 3, 2 / 3], 0.0, 7),
        ([100_000 / 3], 0.0, 2),
        ([1e-9 / 3], 0.0, 8),
        ([], 0.0, 2),
        ([math.nan], 0.0, 2),
    ],
)
def test_price_decimals(prices: list[float], tick_size: float, expected: int) -> None:
    assert figures.price_decimals(np.array(prices), tick_size) == expected


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (0, "1970-01-01 00:00"),
        (1_709_643_600_000_000, "2024-03-05 13:00"),
        (1_709_643_601_000_000, "2024-03-05 13:00:01"),
        (1, "1970-01-01 00:00:00.000001"),
    ],
)
def test_moment_is_as_short_as_it_is_exact(time: int, expected: str) -> None:
    assert figures.moment(time) == expected


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, "0 s"),
        (1, "0 s"),
        (59 * SECOND, "59 s"),
        (4 * HOUR, "4 h"),
        (DAY + 5 * MINUTE, "1 d"),
        (DAY + 5 * HOUR + 3 * MINUTE, "1 d 5 h"),
        (1_500 * DAY, "1,500 d"),
    ],
)
def test_duration_names_two_units(length: int, expected: str) -> None:
    assert figures.duration(length) == expected


@pytest.mark.parametrize(("count", "expected"), [(0, "0 bars"), (1, "1 bar"), (8_760, "8,760 bars")])
def test_plural(count: int, expected: str) -> None:
    assert figures.plural(count, "bar") == expected


@pytest.mark.parametrize(("value", "expected"), [(1.0, "up"), (-1, "down"), (0.0, ""), (None, ""), (math.nan, "")])
def test_tone(value: float | None, expected: str) -> None:
    assert figures.tone(value) == expected
