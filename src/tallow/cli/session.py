"""What every verb shares: global options, output as table or JSON, progress on standard error."""

import functools
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from tallow.domain.errors import UserError
from tallow.settings import Setting, Settings, colours_allowed, load

if TYPE_CHECKING:
    from tallow.app import Workspace
    from tallow.ports import Progress

P = ParamSpec("P")
R = TypeVar("R")

GLOBAL = (
    click.option("--lake", "lake", metavar="PATH", help="folder that holds data and results [default: tallow-lake]"),
    click.option("-c", "--config", metavar="FILE", help="configuration file [default: tallow.toml here]"),
    click.option("--json", "as_json", is_flag=True, help="machine-readable output"),
    click.option("-q", "--quiet", is_flag=True, help="no progress, no hints"),
    click.option("-v", "--verbose", is_flag=True, help="say more"),
    click.option("--no-progress", is_flag=True, help="no progress on standard error"),
    click.option("--offline", is_flag=True, help="refuse whatever needs the network"),
    click.option("--debug", is_flag=True, help="stack trace on errors"),
)
DEMO = "tallow-demo"
_WHOLE = 1e15  # from here on a float has no digits after its point
_NAMES = ("lake", "config", "as_json", "quiet", "verbose", "no_progress", "offline", "debug")


class Session:
    """One call of the command line."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.as_json = bool(options["as_json"])
        self.quiet = bool(options["quiet"])
        self.verbose = bool(options["verbose"])
        self.offline = bool(options["offline"])
        self._show = not (self.quiet or options["no_progress"])
        self._overrides = {"lake": options["lake"]}
        self._file = Path(options["config"]) if options["config"] else None

    @property
    def lake_was_named(self) -> bool:
        """Whether the lake is not just the default folder."""
        return any(item.name == "lake" and item.origin != "default" for item in self.origins())

    def settings(self) -> Settings:
        """Read the settings."""
        return load(self._overrides, file=self._file)[0]

    def origins(self) -> list[Setting]:
        """Read the settings with the origin of each."""
        return load(self._overrides, file=self._file)[1]

    def workspace(self, lake: str | None = None) -> "Workspace":
        """Open the lake."""
        from dataclasses import replace

        from tallow.app import Workspace

        settings = self.settings()
        return Workspace(replace(settings, lake=lake) if lake else settings, progress=self.progress())

    def reading(self) -> "Workspace":
        """Open the lake to read from: the demo's, where none was named and only that one holds anything.

        Raises:
            UserError: NO_LAKE when one was named that does not exist: nobody names a lake to find it empty.
        """
        workspace = self.workspace()
        path = workspace.settings.lake
        if self.lake_was_named and "://" not in path and not Path(path).exists():
            raise UserError(
                "NO_LAKE",
                f"there is no lake at {path}",
                commands=[f"tallow ingest files PATH --lake {path}", "tallow demo"],
                exit="no data",
            )
        if self.lake_was_named or not workspace.is_empty() or workspace.records.list(1):
            return workspace
        demo = self.workspace(str(Path(DEMO) / "lake"))
        if demo.is_empty():
            return workspace
        self.hint(f"the lake is empty: reading the demo's SIMULATED market in {DEMO}")
        return demo

    def progress(self) -> "Progress":
        """Give what shows progress: a line on standard error that is rewritten, or one line a phase without a tty."""
        from tallow.cli.progress import ProgressLine
        from tallow.ports import silent

        return ProgressLine() if self._show else silent

    def emit(self, data: object, text: str) -> None:
        """Print data as JSON when asked to, as text otherwise."""
        click.echo(json.dumps(data, indent=2, default=str, allow_nan=False) if self.as_json else text)

    def hint(self, *lines: str) -> None:
        """Say what to type next, on standard error."""
        if not self.quiet and not self.as_json:
            for line in lines:
                click.echo(line, err=True)

    def colour(self, text: str, colour: str) -> str:
        """Colour a word on a terminal that takes colours."""
        return click.style(text, fg=colour) if sys.stdout.isatty() and colours_allowed() else text


def verb(function: "Callable[Concatenate[Session, P], R]") -> Callable[..., R]:
    """Give a command the global options, collected in a `Session` as its first argument."""

    @functools.wraps(function)
    def command(*arguments: Any, **options: Any) -> R:
        session = Session({name: options.pop(name) for name in _NAMES})
        return function(session, *arguments, **options)

    # Decorators apply from the inside out; the help lists options in the order of GLOBAL.
    for option in reversed(GLOBAL):
        command = option(command)
    return command


def table(rows: Iterable[Sequence[object]], header: Sequence[str], *, digits: int = 4) -> str:
    """Lay rows out in aligned columns; columns of numbers to the right. Never cut to the width of the terminal.

    Fractions are rounded to `digits` significant digits, and never within the whole part of a number.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    values = [list(row) for row in rows]
    if not values:
        return "nothing"
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, name in enumerate(header):
        numeric = all(row[place] is None or isinstance(row[place], int | float) for row in values)
        grid.add_column(name, justify="right" if numeric else "left", no_wrap=True)
    for row in values:
        grid.add_row(*(Text(_cell(value, digits)) for value in row))
    # Wide enough for any row: a table that is piped into a file must not be cut to some terminal's width.
    console = Console(width=10_000, no_color=True, file=io.StringIO())
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())


def _cell(value: object, digits: int) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if 10.0**digits <= abs(value) < _WHOLE else f"{value:,.{digits}g}"
