"""One root error and its four kinds: what happened, what was received, what is valid, what to type next."""

import difflib
from collections.abc import Iterable, Mapping
from typing import ClassVar

EXIT_CODES = {
    "done": 0,
    "failed": 1,
    "usage": 2,
    "no data": 3,
    "check failed": 4,
    "refused for safety": 5,
    "busy": 6,
    "invariant broken": 70,
    "interrupted": 130,
}


_NOTHING_NEAR = ("nearest", "")  # no line for it


class Error(Exception):
    """Report a failure in the words of the person who has to act on it.

    Attributes:
        code: stable upper-case name; `tallow explain CODE` has its page.
        message: one line: what failed, and where.
        facts: label -> value lines below the message (received, valid values, what exists).
        commands: commands that lead on, ready to paste.
        exit_code: what a process ends with, a value of `EXIT_CODES`.
    """

    kind: ClassVar[str] = "failed"

    def __init__(
        self,
        code: str,
        message: str,
        *,
        facts: Mapping[str, object] | None = None,
        commands: Iterable[str] = (),
        exit: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts = {label: str(value) for label, value in (facts or {}).items() if (label, value) != _NOTHING_NEAR}
        self.commands = tuple(commands)
        self.exit_code = EXIT_CODES[exit or self.kind]

    @property
    def hint(self) -> str:
        """The first command that leads on, or an empty string."""
        return self.commands[0] if self.commands else ""

    def __str__(self) -> str:
        """Give the whole report: the first line, then facts and commands, aligned."""
        lines = [(label, value) for label, value in self.facts.items()]
        lines += [("try" if i == 0 else "or", command) for i, command in enumerate(self.commands)]
        width = max((len(label) for label, _ in lines), default=0)
        return "\n".join(
            [f"error[{self.code}] {self.message}", *(f"  {label:<{width}}  {value}" for label, value in lines)]
        )

    def to_dict(self) -> dict[str, object]:
        """Give the report as plain values, for `--json` and for the API."""
        return {
            "error": self.code,
            "message": self.message,
            "facts": dict(self.facts),
            "commands": list(self.commands),
            "exit_code": self.exit_code,
        }


class UserError(Error):
    """The request cannot be met as asked; the caller can change it."""

    kind = "usage"


class DataError(Error):
    """Bytes or rows are not what their source promises; they are kept apart, the rest goes on."""

    kind = "failed"


class TransientError(Error):
    """The same call may succeed later."""

    kind = "failed"


class TerminalError(Error):
    """Going on would break a promise; nothing more is written."""

    kind = "invariant broken"


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Find the known names most like a mistyped one, best first.

    Example:
        >>> nearest("BTCUSD", ["BTC/USDT", "BTC/USDC", "SOL/EUR"])
        ['BTC/USDT', 'BTC/USDC']
    """
    by_fold = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), by_fold, n=count, cutoff=0.5)
    return [by_fold[match] for match in found]
