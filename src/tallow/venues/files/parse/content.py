"""What a parser is given, and what it gives."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
import polars as pl

from tallow.domain.columns import Bars, FundingRates, Ticks, Times
from tallow.domain.errors import DataError
from tallow.domain.market import Instrument
from tallow.domain.timeframes import Timeframe
from tallow.ports import Kind, Rejected

_LINES = 4
_FRAMES = ((b"ARROW1", pl.read_ipc), (b"PAR1", pl.read_parquet))


@dataclass(frozen=True)
class Hints:
    """What is known before the bytes are read, from the arguments and from the names around them.

    Attributes:
        venue: lower-case venue; empty when nothing tells it.
        market: spot, linear or inverse futures; empty when nothing tells it.
        instrument: what the names say is traded; None when they do not.
        timeframe: candle length that the names say; None when they do not.
        received_time: microseconds; for rows that do not state their own.
        beside: the file of REST answers that belongs to a capture, which lists the contracts; empty when absent.
    """

    venue: str = ""
    market: str = ""
    instrument: Instrument | None = None
    timeframe: Timeframe | None = None
    received_time: int = 0
    beside: bytes = b""


@dataclass(frozen=True)
class Content:
    """Unpacked bytes with their name; what detection looks at is worked out once."""

    name: str
    data: bytes

    @cached_property
    def frame(self) -> pl.DataFrame | None:
        """The table of a feather or parquet file, columns folded to lower case; None for anything else.

        Raises:
            DataError: BAD_PAGE when the file begins like a table and is none.
        """
        reader = next((read for magic, read in _FRAMES if self.data.startswith(magic)), None)
        if reader is None:
            return None
        try:
            return reader(io.BytesIO(self.data)).rename(str.casefold)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            because = str(error).strip().splitlines()[0][:200]
            raise DataError("BAD_PAGE", f"{self.name} is damaged", facts={"because": because}) from None

    @cached_property
    def lines(self) -> list[str]:
        """The first lines of a text with something in them, without ends."""
        if self.frame is not None:
            return []
        head = self.data[:65_536].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
        return [line.strip() for line in head.splitlines()[: 2 * _LINES] if line.strip()][:_LINES]

    @cached_property
    def first(self) -> str:
        """The first character that is no space, or an empty string."""
        return self.lines[0][0] if self.lines else ""

    @cached_property
    def json(self) -> Any:
        """The decoded JSON; None when it is none."""
        if self.first not in ("[", "{"):
            return None
        try:
            return msgspec.json.decode(self.data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._python_json()

    def _python_json(self) -> Any:
        # Python writes NaN and Infinity into JSON, which only Python reads; such cells are set aside later.
        if b"NaN" not in self.data and b"Infinity" not in self.data:
            return None
        try:
            return json.loads(self.data)
        except (ValueError, RecursionError):
            return None

    @cached_property
    def header(self) -> tuple[str, ...]:
        """Column names of a table, folded to lower case; empty when it has none."""
        if self.frame is not None:
            return tuple(self.frame.columns)
        for line in self.lines[:2]:  # a banner line may stand before them
            names = tuple(name.strip().strip('"').casefold() for name in line.split(","))
            if len(names) > 2 and not any(_is_number(name) for name in names) and not any("http" in n for n in names):
                return names
        return ()

    @cached_property
    def banner_lines(self) -> int:
        """How many lines stand before the column names."""
        if not self.header or not self.lines:
            return 0
        return int(self.header != tuple(name.strip().strip('"').casefold() for name in self.lines[0].split(",")))

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """The cells of the first data line of a table without column names; empty when it has them."""
        return () if self.header or not self.lines else tuple(cell.strip() for cell in self.lines[0].split(","))

    @property
    def seen(self) -> str:
        """Show the start of the bytes, for a message."""
        if self.header:
            return "columns " + ", ".join(self.header[:12])
        return repr(self.lines[0][:100]) if self.lines else "nothing but white space"


@dataclass(frozen=True)
class Parsed:
    """Rows of one series, in the payload's own order.

    Attributes:
        instrument: what the content itself says is traded; None when it does not.
        timeframe: candle length that the content itself states.
        close_time: first moment after each candle, where it is stated.
        rejected: rows that could not be read; `row` counts all rows of the series.
        tags: what the format says of volume: `quote_volume` when it is in quote units, `base_volume` when it is in
            base units even where contracts are traded.
        contract_value: base units (quote units for inverse ones) of one contract, where the content tells; else NaN.
    """

    kind: Kind
    rows: Bars | Ticks | FundingRates
    instrument: Instrument | None = None
    timeframe: Timeframe | None = None
    close_time: Times | None = None
    rejected: tuple[Rejected, ...] = ()
    tags: frozenset[str] = field(default_factory=frozenset)
    contract_value: float = float("nan")


def text_at(value: Mapping[str, Any], *path: str) -> str:
    """Give the text at a path of keys, or an empty string."""
    found: Any = value
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return str(found) if found is not None else ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
