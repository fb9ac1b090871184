"""Write the pages that follow from the code: commands, settings, errors. With --check only compare.

Usage: python docs/generate.py [--check]
"""

import sys
from pathlib import Path

import click

from tallow.cli import VERBS, tallow
from tallow.cli.explanations import SOURCE
from tallow.settings import load

DOCS = Path(__file__).parent


def commands() -> str:
    """Give the help of every verb and of what is below it."""
    parts = ["# Commands", "", "Every verb takes the global options shown with it, before or after its name."]
    context = click.Context(tallow, info_name="tallow", terminal_width=100)
    for name in VERBS:
        command = tallow.get_command(context, name)
        assert command is not None
        parts += _pages(command, context, f"tallow {name}", 2)
    return "\n".join(parts) + "\n"


def _pages(command: click.Command, parent: click.Context, title: str, level: int) -> list[str]:
    context = click.Context(command, info_name=title.rsplit(" ", 1)[-1], parent=parent, terminal_width=100)
    lines = ["", f"{'#' * level} {title}", "", "```text", command.get_help(context), "```"]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            lines += _pages(below, context, f"{title} {name}", level + 1)
    return lines


def settings() -> str:
    """Give every setting with its default and its sentence."""
    rows = load(environment={}, file=None)[1] if not Path("tallow.toml").exists() else []
    lines = [
        "# Settings",
        "",
        "The command line beats the environment, the environment beats `tallow.toml` of the working folder, and the",
        "file beats the default. In the environment a setting is called `TALLOW__` and its name in capitals, with `__`",
        "for the dot: `TALLOW__BINANCE__TIMEOUT=5`. In the file `binance.timeout` is `timeout` in section `[binance]`.",
        "`tallow config show --origin` tells where each value in force comes from.",
        "",
        "| Setting | Default | Meaning |",
        "|---|---|---|",
    ]
    return "\n".join([*lines, *(f"| `{row.name}` | `{row.value}` | {row.help} |" for row in rows)]) + "\n"


PAGES = {
    "commands.md": commands,
    "settings.md": settings,
    "errors.md": lambda: SOURCE.read_text(encoding="utf-8"),
}


def main() -> int:
    """Write or compare every generated page; 1 when one is stale."""
    check = "--check" in sys.argv[1:]
    stale = 0
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            sys.stderr.write(f"docs/{name} is stale: run make docs\n")
            stale = 1
        elif not check:
            path.write_text(text, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
