"""Half-open UTC time ranges in microseconds: parsing, union, difference, split by day."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tallow.domain.errors import UserError
from tallow.domain.timeframes import DAY, SECOND

FAR_PAST = 0
FAR_FUTURE = 7_258_118_400 * SECOND  # 2200-01-01


@dataclass(frozen=True, order=True)
class TimeRange:
    """The moments `start <= t < end`, in microseconds since 1970-01-01 UTC.

    Raises:
        UserError: BAD_TIMERANGE when the end lies before the start.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise UserError(
                "BAD_TIMERANGE",
                "the range ends before it starts",
                facts={
                    "received": f"{iso(self.start)}..{iso(self.end)}",
                    "valid": "from <= to; the end is not included",
                },
            )

    @property
    def is_empty(self) -> bool:
        """Whether no moment lies inside."""
        return self.start == self.end

    def __contains__(self, time: int) -> bool:
        return self.start <= time < self.end

    def intersect(self, other: "TimeRange") -> "TimeRange | None":
        """Give the common part, or None when there is none."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return TimeRange(start, end) if start < end else None

    def days(self) -> Iterator["TimeRange"]:
        """Split at midnight UTC."""
        start = self.start
        while start < self.end:
            end = min(self.end, start - start % DAY + DAY)
            yield TimeRange(start, end)
            start = end

    def __str__(self) -> str:
        return f"{'' if self.start <= FAR_PAST else iso(self.start)}..{'' if self.end >= FAR_FUTURE else iso(self.end)}"


EVERYTHING = TimeRange(FAR_PAST, FAR_FUTURE)


def iso(time: int) -> str:
    """Write a moment as ISO 8601 UTC, as short as it is exact.

    Example:
        >>> iso(0), iso(3_600_000_000), iso(1_500_000)
        ('1970-01-01', '1970-01-01T01:00Z', '1970-01-01T00:00:01.500000Z')
    """
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(time))
    if time % DAY == 0:
        return moment.strftime("%Y-%m-%d")
    if time % (60 * SECOND) == 0:
        return moment.strftime("%Y-%m-%dT%H:%MZ")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ" if time % SECOND == 0 else "%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: "str | int | date | datetime") -> int:
    """Read one moment: ISO text, ``YYYYMMDD``, epoch s / ms / us digits, or a datetime; naive means UTC.

    Raises:
        UserError: BAD_TIME when the text is no moment.
    """
    if isinstance(text, int):
        return text
    if isinstance(text, date):
        moment = text if isinstance(text, datetime) else datetime(text.year, text.month, text.day, tzinfo=UTC)
        return _microseconds(moment)
    digits = text.strip()
    try:
        if re.fullmatch(r"\d{8}", digits):
            return _microseconds(datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC))
        if re.fullmatch(r"\d{9,10}|\d{12,13}|\d{15,16}", digits):
            return int(digits) * {9: SECOND, 10: SECOND, 12: 1_000, 13: 1_000, 15: 1, 16: 1}[len(digits)]
        return _microseconds(datetime.fromisoformat(digits))
    except ValueError:
        raise UserError(
            "BAD_TIME",
            f"{text!r} is not a moment in time",
            facts={"valid": "2024-06-01, 20240601, 2024-06-01T12:00Z, epoch seconds, ms or us"},
        ) from None


def parse_timerange(text: "str | TimeRange | None") -> TimeRange:
    """Read ``20240101-20240601``, ``2024-01-01..2024-06-01`` or either with an open end; None is everything.

    Example:
        >>> str(parse_timerange("20240101-20240601")), str(parse_timerange("2024-01-01.."))
        ('2024-01-01..2024-06-01', '2024-01-01..')

    Raises:
        UserError: BAD_TIMERANGE or BAD_TIME.
    """
    if text is None or isinstance(text, TimeRange):
        return text or EVERYTHING
    parts = text.split("..") if ".." in text else re.fullmatch(r"(\d*)-(\d*)", text.strip()) or ()
    ends = list(parts.groups()) if isinstance(parts, re.Match) else list(parts)
    if len(ends) != 2:
        raise UserError(
            "BAD_TIMERANGE",
            f"{text!r} is not a time range",
            facts={"valid": "20240101-20240601, 20240101-, 2024-01-01..2024-06-01; UTC, the end is not included"},
        )
    start, end = (part.strip() for part in ends)
    return TimeRange(parse_time(start) if start else FAR_PAST, parse_time(end) if end else FAR_FUTURE)


def union(ranges: Iterable[TimeRange]) -> list[TimeRange]:
    """Merge ranges that touch or overlap; sorted, disjoint, none empty."""
    merged: list[TimeRange] = []
    for item in sorted(r for r in ranges if not r.is_empty):
        if merged and item.start <= merged[-1].end:
            merged[-1] = TimeRange(merged[-1].start, max(merged[-1].end, item.end))
        else:
            merged.append(item)
    return merged


def difference(whole: TimeRange, parts: Iterable[TimeRange]) -> list[TimeRange]:
    """Give what of `whole` no part covers; sorted, disjoint."""
    missing, start = [], whole.start
    for part in union(parts):
        if part.end <= start:
            continue
        if part.start >= whole.end:
            break
        if part.start > start:
            missing.append(TimeRange(start, part.start))
        start = part.end
    if start < whole.end:
        missing.append(TimeRange(start, whole.end))
    return missing


def _microseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
