"""Trading rules of an instrument as they changed: out of the lake, or out of a file."""

import csv
import math
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tallow.core.engine.stretches import stretches_of
from tallow.domain.columns import Times
from tallow.domain.errors import UserError
from tallow.domain.market import Instrument, parse_symbol
from tallow.domain.ranges import iso, parse_time
from tallow.domain.scene import Scene
from tallow.domain.tables import BRONZE_INSTRUMENTS
from tallow.domain.tiers import Tier
from tallow.domain.venue_rules import IN_LAKE, NAMES, RuleBook, VenueRules, merged
from tallow.flows.read import microseconds
from tallow.ports import Lake

_FETCHED = "binance"  # the venue whose rules `tallow ingest` fetches
_FROM, _MOST, _SYMBOL = "notional_from", "max_leverage", "symbol"
HEADS = (*NAMES, _FROM, _MOST, _SYMBOL)  # of a file; of a table, the names
_SHOWN = 4  # beginnings of rules named in a note


def find_rules(lake: Lake, instrument: Instrument, source: bool | str | None) -> RuleBook | None:
    """Find the rules that an option asks for: True, or ``lake``, those of the lake, any other text those of a file.

    Raises:
        UserError: NO_RULES, BAD_RULES.
    """
    if not source:
        return None
    return read_rules(lake, instrument) if source in (True, IN_LAKE) else read_file(str(source), instrument)


def read_rules(lake: Lake, instrument: Instrument) -> RuleBook:
    """Read the rules that a venue stated, each from the moment it was received, at the version of today.

    A venue states what holds when it is asked: what it asked for before the first answer is not known. It does not
    state a maintenance margin.

    Raises:
        UserError: NO_RULES when the lake has none of the instrument.
    """
    where = {"venue": instrument.venue}
    version = lake.version(BRONZE_INSTRUMENTS, where)
    frame = lake.read(BRONZE_INSTRUMENTS, where, version=version)
    frame = frame.filter(frame["symbol"] == instrument.symbol).sort("received_time")
    if version is None or frame.is_empty():
        raise _no_rules(instrument)
    columns = [frame[name].fill_null(math.nan).to_list() for name in NAMES[1:4]]
    rows = zip(microseconds(frame, "received_time").tolist(), *columns, strict=True)
    stated = (VenueRules(time, *(None if math.isnan(value) else value for value in row)) for time, *row in rows)
    return RuleBook(merged(stated), version)


def read_file(path: str, instrument: Instrument) -> RuleBook:
    """Read rules of an instrument that somebody wrote down.

    Raises:
        UserError: NO_RULES when there is no such file; those of `parse_rules`.
    """
    try:
        return parse_rules(Path(path).read_text(encoding="utf-8"), path, instrument)
    except (OSError, UnicodeDecodeError) as problem:
        raise UserError(
            "NO_RULES",
            f"trading rules cannot be read from {path}: {problem}",
            facts={"valid": f"a file of text, or {IN_LAKE!r} for the rules that the lake holds"},
            commands=["tallow explain NO_RULES"],
            exit="no data",
        ) from problem


def parse_rules(text: str, name: str, instrument: Instrument) -> RuleBook:
    r"""Read rules from CSV: a heading with `valid_from` and any of the rules; an empty cell keeps the execution's.

    Margin tiers are a row each under the same `valid_from`: `notional_from` says where a tier begins, the row's
    `maintenance_margin` and `max_leverage` hold from there on. Other rules are in the first of these rows. In a file
    of several instruments, each row names its own in `symbol`, in any spelling; one that names none is for all.

    Args:
        text: of the file.
        name: of the file, for messages.
        instrument: whose rules are read.

    Example:
        >>> from tallow.domain.market import parse_symbol
        >>> text = "symbol,valid_from,tick_size\nBTC/USDT,2024-01-01,0.1\nETH/USDT,2024-01-01,0.01\n"
        >>> parse_rules(text, "rules.csv", parse_symbol("ETH/USDT")).rules[0].tick_size
        0.01

    Raises:
        UserError: BAD_RULES; NO_RULES when all rows are of others; BAD_TIME for a beginning that is no moment.
    """
    lines = csv.reader(text.removeprefix("\ufeff").splitlines())
    heads = [head.strip() for head in next(lines, [])]
    if "valid_from" not in heads or len(set(heads)) < len(heads) or not set(heads) <= set(HEADS):
        raise _bad(f"{name}: the heading is not that of trading rules", ", ".join(heads) or "nothing")
    every = [_row_of(f"{name}, line {lines.line_num}", heads, cells, instrument.venue) for cells in lines if cells]
    rows = [row for row in every if row.instrument in (None, instrument)]
    if every and not rows:
        raise _no_rules(instrument, name)
    try:
        return _book_of(rows)
    except UserError as problem:
        message = problem.message if problem.message.startswith(name) else f"{name}: {problem.message}"
        raise UserError(problem.code, message, facts=problem.facts, commands=problem.commands) from None


def _book_of(rows: "list[_Row]") -> RuleBook:
    rules: list[VenueRules] = []
    for row in rows:
        if rules and row.moment == rules[-1].valid_from and rules[-1].tiers:
            rules[-1] = _with_tier(rules[-1], row)
        else:
            rules.append(_rules_of(row))
    return RuleBook(merged(RuleBook(tuple(rules)).rules))


class _Row(NamedTuple):
    """A line of the file: where it stands, whose it is (None is everybody's), and what it says."""

    place: str
    instrument: Instrument | None
    moment: int
    numbers: dict[str, float]

    @property
    def tier(self) -> Tier:
        """What the line says of a tier."""
        if "maintenance_margin" not in self.numbers:
            raise _bad(f"{self.place}: a tier without a maintenance_margin", f"notional_from {self.numbers[_FROM]:g}")
        return Tier(self.numbers[_FROM], self.numbers["maintenance_margin"], self.numbers.get(_MOST))


def _row_of(place: str, heads: list[str], cells: list[str], venue: str) -> _Row:
    if len(cells) != len(heads):
        raise _bad(f"{place}: {len(cells)} cells under {len(heads)} headings", ",".join(cells))
    given = {head: cell.strip() for head, cell in zip(heads, cells, strict=True)}
    symbol, begins = given.pop(_SYMBOL, ""), given.pop("valid_from")
    try:
        moment = parse_time(begins)
    except UserError as problem:
        raise _bad(f"{place}: {problem.message}", ",".join(cells)) from None
    try:
        instrument = parse_symbol(symbol, venue) if symbol else None
    except UserError:
        raise _bad(f"{place}: {symbol!r} is no instrument", ",".join(cells)) from None
    try:
        numbers = {head: float(cell) for head, cell in given.items() if cell}
    except ValueError:
        raise _bad(f"{place}: a cell is not a number", ",".join(cells)) from None
    if _MOST in numbers and _FROM not in numbers:
        raise _bad(f"{place}: a max_leverage without a notional_from", ",".join(cells))
    return _Row(place, instrument, moment, numbers)


def _rules_of(row: _Row) -> VenueRules:
    tick, lot, least, rate = (row.numbers.get(name) for name in NAMES[1:])
    if _FROM in row.numbers:
        return VenueRules(row.moment, tick, lot, least, tiers=(row.tier,))
    return VenueRules(row.moment, tick, lot, least, rate)


def _with_tier(rules: VenueRules, row: _Row) -> VenueRules:
    # A further tier of the same moment: whatever else its line says must be what the first line said.
    said = {name: value for name, value in row.numbers.items() if name in NAMES[1:4]}
    if _FROM not in row.numbers or any(getattr(rules, name) != value for name, value in said.items()):
        raise _bad(f"{row.place}: it is neither a tier of the rules before nor later than they are", iso(row.moment))
    return replace(rules, tiers=(*(rules.tiers or ()), row.tier))


def rule_notes(scene: Scene, time: Times) -> tuple[str, ...]:
    """Say which rules a run on bars at these times is under, and where they are only assumed."""
    book = scene.rules
    if book is None or not len(time):
        return ()
    used = len(stretches_of(time, scene.execution, book))
    begun = [iso(one.valid_from) for one in book.rules[1:] if time[0] < one.valid_from <= time[-1]]
    origin = "given by hand" if book.version is None else f"from {BRONZE_INSTRUMENTS.full_name} {book.version}"
    changes = ", ".join(begun[:_SHOWN]) + (" ..." if len(begun) > _SHOWN else "")
    said = f"VENUE RULES {used} of {len(book.rules)} versions used, {origin}"
    first = book.rules[0].valid_from
    notes = (f"{said}; new ones begin {changes}" if begun else said,)
    if time[0] >= first:
        return notes
    return (*notes, f"VENUE RULES before {iso(first)} are not known: the first known ones are used there")


def rule_words(scene: Scene) -> list[str]:
    """Give the options that run a scene under its rules again; the file of rules given by hand is not known."""
    rules, filling = scene.terms
    words = [] if rules is None else ["--venue-rules" if rules.version is not None else "--venue-rules FILE"]
    words += [] if filling.participation is None else [f"--participation {filling.participation:g}"]
    return [*words, "--touch-fills"] if filling.touch_fills else words


def _no_rules(instrument: Instrument, where: str = "the lake") -> UserError:
    fetch = [f"tallow ingest binance {instrument.symbol} --kind instruments"] if instrument.venue == _FETCHED else []
    return UserError(
        "NO_RULES",
        f"{where} has no trading rules of {instrument}",
        facts={"valid": f"rules in the lake, or a file with the columns {', '.join(HEADS)}"},
        commands=[*fetch, "tallow backtest STRATEGY --venue-rules rules.csv"],
        exit="no data",
    )


def _bad(what: str, received: str) -> UserError:
    return UserError(
        "BAD_RULES",
        what,
        facts={"received": received, "valid": f"columns {', '.join(HEADS)}; numbers, or empty cells"},
        commands=["tallow explain BAD_RULES"],
    )
