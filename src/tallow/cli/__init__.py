"""The command line: parse, call the workspace, print. Heavy libraries load only with the verb that needs them."""

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType

import click

from tallow.domain.errors import EXIT_CODES, Error, UserError, nearest

VERBS = {
    "demo": ("tallow.cli.demo", "see the whole road in half a minute: market, lake, strategies, certificate, report"),
    "doctor": ("tallow.cli.system", "check this machine, the lake and the compiler"),
    "new": ("tallow.cli.research", "write a strategy file to start from"),
    "ingest": ("tallow.cli.data", "bring in recordings from files, or history from a venue"),
    "refine": ("tallow.cli.data", "bronze -> silver -> gold: clean, find gaps, build candles"),
    "catalog": ("tallow.cli.data", "list what the lake holds"),
    "coverage": ("tallow.cli.data", "show what is there of one series, and its gaps"),
    "lineage": ("tallow.cli.data", "show what wrote a table, from what"),
    "query": ("tallow.cli.data", "run one SELECT over the lake"),
    "backtest": ("tallow.cli.research", "run a strategy on candles, with costs and a look-ahead check"),
    "portfolio": ("tallow.cli.portfolios", "carry out target weights of several symbols in one account"),
    "sweep": ("tallow.cli.sweeps", "backtest many combinations of a strategy's parameters, and find the best"),
    "walkforward": ("tallow.cli.sweeps", "choose parameters on the past, apply them to what follows, step by step"),
    "cross-validate": (
        "tallow.cli.sweeps",
        "choose parameters on parts of the data, hold out the others, in every way",
    ),
    "check": ("tallow.cli.research", "certify that a strategy does not see the future"),
    "holdout": ("tallow.cli.holdout", "seal the last part of the data, and open it once for each strategy version"),
    "results": ("tallow.cli.results", "list, show, compare, replay or remove stored results"),
    "report": ("tallow.cli.results", "write the HTML report of a stored result"),
    "explain": ("tallow.cli.system", "say what an error code means, offline"),
    "config": ("tallow.cli.system", "show every setting and where its value comes from"),
}


class Verbs(click.Group):
    """A group whose commands are imported when they are called: `--help` stays below 0.3 s."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs in the order in which a newcomer needs them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb's module and give its command."""
        if cmd_name not in VERBS:
            return None
        command = getattr(import_module(VERBS[cmd_name][0]), cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or name the nearest ones."""
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            raise UserError(
                "UNKNOWN_VERB",
                f"tallow has no verb {args[0]!r}",
                facts={"nearest": ", ".join(nearest(args[0], VERBS)) or ", ".join(VERBS)},
                commands=["tallow --help"],
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in VERBS.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tallow", message="tallow %(version)s")
def tallow() -> None:
    """Crypto market data and backtests with numbers one can trust.

    Start with: tallow demo. Every verb takes --help; --json gives machine-readable output on standard output.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    if "--debug" not in sys.argv:
        sys.excepthook = _tell_shortly
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; give the exit code: errors in one form, a stack trace only with ``--debug``."""
    try:
        done = tallow.main(args=options_after_verb(arguments), prog_name="tallow", standalone_mode=False)
    except Error as error:
        return _tell(error, arguments)
    except click.exceptions.Abort:
        click.echo("interrupted: what was stored stays stored; the same command goes on from there", err=True)
        return EXIT_CODES["interrupted"]
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return EXIT_CODES["usage"]
    except click.ClickException as error:
        from tallow.cli.usage import in_our_form

        return _tell(in_our_form(error), arguments)
    except BrokenPipeError:  # the reader of our output left, as `head` does
        sys.stderr.close()
        return EXIT_CODES["done"]
    return done if isinstance(done, int) else EXIT_CODES["done"]


def options_after_verb(arguments: Sequence[str]) -> list[str]:
    """Move options typed before the verb behind it: they mean the same in both places.

    Example:
        >>> options_after_verb(["--lake", "here", "catalog", "--json"])
        ['catalog', '--lake', 'here', '--json']
    """
    place = 0
    while place < len(arguments) and arguments[place].startswith("-"):
        place += 2 if arguments[place] in ("--lake", "-c", "--config") else 1
    if place >= len(arguments):
        return list(arguments)
    return [arguments[place], *arguments[:place], *arguments[place + 1 :]]


def _tell_shortly(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show a defect of ours in one screen; `--debug` shows where it happened."""
    where = traceback.extract_tb(trace)[-1] if trace else None
    place = f" at {Path(where.filename).name}:{where.lineno}" if where else ""
    click.echo(
        f"error[INTERNAL] {kind.__name__}: {error}{place}\n"
        "  this is a defect of tallow, not of your input; nothing half-written was kept\n"
        "  try  the same command with --debug, and report what it prints",
        err=True,
    )


def _tell(error: Error, arguments: Sequence[str]) -> int:
    if "--debug" in arguments:
        traceback.print_exception(error)
    elif "--json" in arguments:
        import json

        click.echo(json.dumps(error.to_dict()))
    else:
        click.echo(str(error), err=True)
    return error.exit_code
