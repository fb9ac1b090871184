"""Files from disk become pages: find them, open them, tell what they are, name their series."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from tallow.core.clean import number_trades
from tallow.domain.columns import Bars, Ticks
from tallow.domain.errors import DataError, Error, UserError, nearest
from tallow.domain.market import Instrument
from tallow.domain.timeframes import Timeframe
from tallow.ports import Page, Payload
from tallow.venues.files.archives import Opened, open_all
from tallow.venues.files.detect import detect, nothing_to_read
from tallow.venues.files.parse.content import Hints, Parsed
from tallow.venues.files.parse.names import names_marks, read_names
from tallow.venues.files.parse.units import in_base_units, told_length

_SUFFIXES = frozenset(
    (".csv", ".json", ".jsonl", ".gz", ".zst", ".zip", ".feather", ".arrow", ".parquet", ".data", ".0")
)
_CAPTURE = re.compile(r"(.+)\.ws\.\d+\.0$")


class Files:
    """Read candles, trades and funding from files in any known format.

    What is traded, where, and in which candles is told by the content, else by the names of file and folders, else
    by the steps between candles; arguments go before all of them.
    """

    venue = "files"

    def find(self, paths: Iterable[Path | str]) -> list[Path]:
        """List the files under some paths, each once, sorted; in folders only those that may hold data.

        Raises:
            UserError: NO_SUCH_FILE with the nearest names.
        """
        found: set[Path] = set()
        for path in map(Path, paths):
            if path.is_dir():
                inside = (p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
                # The files of a table belong to a lake: recordings do not lie among them.
                inside = (p for p in inside if not _is_hidden(p.relative_to(path)) and not _in_lake(p, path))
                found.update(inside)
            elif path.is_file():
                found.add(path)
            else:
                raise _no_such_file(path)
        return sorted(found)

    def read(
        self,
        path: Path | str,
        *,
        instrument: Instrument | None = None,
        timeframe: Timeframe | None = None,
        received_time: int,
    ) -> Iterator[Page]:
        """Read a file: one page a series, and a file inside a zip; rows as they stand, nothing cleaned.

        Args:
            path: a file, not a folder.
            instrument: what is traded, against what the file or its name says; where a file holds several
                instruments, the only one to read.
            timeframe: candle length, likewise.
            received_time: microseconds; for rows that do not state when they were received.

        Raises:
            UserError: NO_SUCH_FILE, UNKNOWN_FORMAT, NOTHING_TO_READ, NEED_INSTRUMENT, NEED_TIMEFRAME, NO_SUCH_SERIES,
                MISSING_EXTRA.
            DataError: CORRUPT_ARCHIVE, ARCHIVE_TOO_LARGE, BAD_PAGE. Either comes after what else a zip holds.
        """
        path = Path(path)
        if not path.is_file():
            raise _no_such_file(path)
        beside = _CAPTURE.match(str(path))
        answers = Path(f"{beside[1]}.0") if beside else path
        known = Hints(
            instrument=instrument,
            timeframe=timeframe,
            received_time=received_time,
            beside=answers.read_bytes() if beside and answers.is_file() else b"",
        )
        failures: list[Error] = []
        for opened in open_all(str(path), path.read_bytes()):
            try:
                pages = list(_pages(opened, known))
            except (UserError, DataError) as error:
                failures.append(error)
            else:
                yield from pages
        if failures:
            raise failures[0]


def _pages(opened: Opened, known: Hints) -> Iterator[Page]:
    content = opened.content
    form = detect(content)
    hints = _complete(read_names(content.name, known.received_time, form.venue), known)
    series = form.read(content, hints)
    if not series and content.json != []:
        raise nothing_to_read(content.name, form.meaning, "it holds no trades, finished candles or funding")
    for parsed in _select(series, known, content.name):
        yield _page(parsed, Payload(opened.kept, content.name, form.name, known.received_time), hints, known)


def _complete(named: Hints, known: Hints) -> Hints:
    given = known.instrument
    if given is not None:
        market = "inverse" if given.is_inverse else "spot" if given.is_spot else "linear"
        named = replace(named, instrument=given, venue=given.venue, market=market)
    return replace(named, timeframe=known.timeframe or named.timeframe, beside=known.beside)


def _select(series: list[Parsed], known: Hints, name: str) -> list[Parsed]:
    # One series takes the name it is given; of several the named one is taken.
    if known.instrument and len({parsed.instrument for parsed in series}) > 1:
        chosen = [parsed for parsed in series if parsed.instrument == known.instrument]
        if not chosen:
            raise _no_such_series(name, known.instrument, series)
        series = chosen
    lengths = {parsed.timeframe for parsed in series if parsed.kind == "candles"}
    if known.timeframe and len(lengths) > 1:
        return [parsed for parsed in series if parsed.kind != "candles" or parsed.timeframe == known.timeframe]
    return series


def _page(parsed: Parsed, payload: Payload, hints: Hints, known: Hints) -> Page:
    instrument = known.instrument or parsed.instrument or hints.instrument
    is_mark = parsed.kind == "candles" and names_marks(payload.source)
    if instrument is None or (is_mark and known.instrument is None):
        raise _need_instrument(payload.source, is_mark)
    parsed = in_base_units(parsed, instrument)
    rows, closes = parsed.rows, parsed.close_time
    if isinstance(rows, Ticks):
        rows = replace(rows, trade_id=number_trades(rows.event_time, rows.trade_id))
    if closes is not None and bool(np.all(closes < 0)):
        closes = None
    return Page(payload, parsed.kind, instrument, rows, _length(parsed, payload, hints, known), closes, parsed.rejected)


def _length(parsed: Parsed, payload: Payload, hints: Hints, known: Hints) -> Timeframe | None:
    if not isinstance(parsed.rows, Bars):
        return None
    stated = known.timeframe or parsed.timeframe or hints.timeframe or told_length(parsed.rows.time)
    if stated is None:
        raise _need_timeframe(payload.source)
    return stated


def _no_such_series(name: str, instrument: Instrument, series: list[Parsed]) -> UserError:
    held = sorted({str(parsed.instrument) for parsed in series})
    close = ", ".join(nearest(str(instrument), held))
    facts = {"holds": ", ".join(held[:12]), "nearest": close}
    return UserError("NO_SUCH_SERIES", f"{name} does not hold {instrument}", facts=facts)


def _need_instrument(name: str, is_mark: bool) -> UserError:
    if is_mark:
        message = f"{name} holds mark or index prices, at which nothing was traded: give them a name of their own"
    else:
        message = f"neither {name} nor its folders say what is traded, and where"
    return UserError(
        "NEED_INSTRUMENT",
        message,
        facts={"read from": "a folder such as binance/, a name such as BTCUSDT-1h.csv, or a column named symbol"},
        commands=[f"tallow ingest files {name} -s binance:BTC/USDT"],
    )


def _need_timeframe(name: str) -> UserError:
    return UserError(
        "NEED_TIMEFRAME",
        f"the candle length of {name} cannot be told",
        facts={
            "read from": "the content, a name such as BTCUSDT-1h.csv, a folder, or the steps of three or more candles"
        },
        commands=[f"tallow ingest files {name} -t 1h"],
    )


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _in_lake(file: Path, top: Path) -> bool:
    folders = [folder for folder in file.parents if folder == top or top in folder.parents]
    return any((folder / "lake.json").exists() or folder.name == "_delta_log" for folder in folders)


def _no_such_file(path: Path) -> UserError:
    folder = path.parent
    names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    return UserError(
        "NO_SUCH_FILE",
        f"there is no file {path}",
        facts={
            "nearest": ", ".join(nearest(path.name, names)),
            "folder": folder if names else f"{folder}: none",
        },
    )
