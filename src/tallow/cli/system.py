"""The verbs of the machine: doctor, explain, config."""

import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import click

from tallow.cli.explanations import PAGES
from tallow.cli.session import Session, table, verb
from tallow.domain.errors import EXIT_CODES, Error, UserError, nearest

Row = tuple[str, str, str]
LEAST_FREE = 1_000_000_000  # bytes; below it an ingest of a few symbols may not fit


@click.command()
@verb
def doctor(session: Session, /) -> int:
    """Check Python, packages, compiler, disk and lake; every line says ok, warn or fail, and what to do."""
    rows = [row for look in (_python, _packages, _compiler, _lake, _disk) for row in look(session)]
    worst = "fail" if any(row[1] == "fail" for row in rows) else "ok"
    session.emit(
        [{"what": what, "state": state, "detail": detail} for what, state, detail in rows],
        table(rows, ("what", "state", "detail")),
    )
    return EXIT_CODES["done"] if worst == "ok" else EXIT_CODES["failed"]


def _python(_: Session) -> Iterator[Row]:
    fine = sys.version_info >= (3, 11)
    yield "python", "ok" if fine else "fail", f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _packages(_: Session) -> Iterator[Row]:
    names = ("tallow", "numpy", "numba", "polars", "deltalake", "pandas", "sqlalchemy")
    yield "packages", "ok", ", ".join(f"{name} {version(name)}" for name in names)


def _compiler(_: Session) -> Iterator[Row]:
    from tallow.core.engine import ENGINE_VERSION

    folder = Path(sys.modules["tallow.core"].__file__ or "").parent
    cached = sum(1 for _ in folder.rglob("*.nbc"))
    state = f"{cached} kernels in the disk cache" if cached else "nothing compiled yet: the first run compiles, once"
    yield "engine", "ok", f"version {ENGINE_VERSION}; {state}"


def _lake(session: Session) -> Iterator[Row]:
    path = session.settings().lake

    def count() -> str:
        frame = session.workspace().catalog()
        return f"{path}: {len(frame)} series"

    if not Path(path).exists():
        yield "lake", "ok", f"{path} does not exist yet; next: tallow demo, or tallow ingest files PATH"
    else:
        yield _tried("lake", count)


def _disk(session: Session) -> Iterator[Row]:
    folder = Path(session.settings().lake).absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    yield "disk", "ok" if free > LEAST_FREE else "warn", f"{free / 1e9:,.1f} GB free at {existing}"


def _tried(what: str, look: Callable[[], str]) -> Row:
    try:
        return what, "ok", look()
    except Error as error:
        return what, "fail", f"{error.message}; {error.hint}"


@click.command()
@click.argument("code", required=False)
@verb
def explain(session: Session, /, code: str | None) -> None:
    """Say what an error code means and what to do; without a code, list them."""
    if code is None:
        session.emit(
            dict(PAGES),
            table(
                ((name, " ".join(text.split()).split(". ")[0]) for name, text in sorted(PAGES.items())), ("code", "")
            ),
        )
        return
    name = code.upper()
    if name not in PAGES:
        raise UserError(
            "UNKNOWN_CODE",
            f"no error is called {code!r}",
            facts={"nearest": ", ".join(nearest(name, PAGES))},
            commands=["tallow explain"],
        )
    session.emit({"code": name, "text": PAGES[name]}, f"{name}\n\n{PAGES[name]}")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def config() -> None:
    """Show every setting and where its value comes from."""


@config.command("show")
@click.option("--origin", is_flag=True, help="also say where each value comes from")
@verb
def show(session: Session, /, *, origin: bool) -> None:
    """List the settings. Set them in tallow.toml, by TALLOW__SECTION__KEY, or on the command line."""
    rows = session.origins()
    header = ("setting", "value", "origin", "meaning") if origin else ("setting", "value", "meaning")
    lines = [
        (row.name, str(row.value), row.origin, row.help) if origin else (row.name, str(row.value), row.help)
        for row in rows
    ]
    session.emit([dict(zip(header, line, strict=True)) for line in lines], table(lines, header))
