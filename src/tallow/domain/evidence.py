"""What is known about how far a result can be trusted: look-ahead findings, certificates, data incidents."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["certified", "leaky", "unknown"]
Outputs = tuple[float | str, float | str | None]
"""An output with the true future and with a changed one: numbers, or what was sent in words; None for no row."""


@dataclass(frozen=True)
class Finding:
    """One output that changed although only later bars did.

    Attributes:
        row: row of the output that changed.
        time: open of that row's bar, microseconds UTC.
        cut: last row that both runs saw alike; rows after it were removed or replaced.
        method: how the future was changed: ``truncate``, or the name of a replaced future (``down``, ``flat``, ...).
        before: output at `row` with the true future; of a strategy that works with orders what it sent, in words.
        after: output at `row` with the changed future; None when the row is missing.
        kind: what sort of leak it looks like.
        rows_changed: how many rows up to the cut changed.
        location: ``file:line`` of the likely cause, or empty.
        source: text of that line, or empty.
        hint: what to write instead, or empty.
        replay: command that shows the difference again, or empty.
    """

    row: int
    time: int
    cut: int
    method: str
    before: float | str
    after: float | str | None
    kind: str
    rows_changed: int
    location: str = ""
    source: str = ""
    hint: str = ""
    replay: str = ""

    @property
    def outputs(self) -> tuple[str, str]:
        """Write both outputs."""
        return outputs_in_words(self.before, self.after)


def outputs_in_words(before: float | str, after: float | str | None) -> tuple[str, str]:
    """Write two outputs; one that is missing has no row."""
    return _shown(before), _shown(after)


def _shown(output: float | str | None) -> str:
    if output is None:
        return "no row"
    return output if isinstance(output, str) else f"{output:g}"


@dataclass(frozen=True)
class Certificate:
    """The verdict of a look-ahead check, and what it covers.

    Attributes:
        verdict: ``certified``: no tested future changed the past; ``leaky``: one did; ``unknown``: could not be told.
        reason: one sentence, in plain words; for ``unknown`` what stood in the way.
        rows: rows of data.
        changes: rows where the output changes: all of them are tested.
        cuts: rows at which the future was changed.
        runs: times the strategy was run.
        fresh: cuts confirmed in a fresh process.
        strategy_hash: what was certified.
        data: what it was certified on.
    """

    verdict: Verdict
    reason: str
    rows: int = 0
    changes: int = 0
    cuts: int = 0
    runs: int = 0
    fresh: int = 0
    strategy_hash: str = ""
    data: str = ""
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Certificate":
        """Read plain values back."""
        findings = tuple(Finding(**finding) for finding in values.get("findings", ()))
        return cls(**{**values, "findings": findings})


@dataclass(frozen=True)
class Rung:
    """The return of the same decisions under one assumption about their execution.

    Attributes:
        kind: ``model``: another way to be filled; ``costs``: a multiple of the result's own costs.
        label: what it is called, such as ``next open`` or ``2x costs``.
        return_pct: return in per cent; None where it could not be run.
        assumption: what is taken for granted, or why it could not be run, in words.
    """

    kind: Literal["model", "costs"]
    label: str
    return_pct: float | None
    assumption: str = ""


@dataclass(frozen=True)
class Incident:
    """Something wrong with the data inside a result's range.

    Attributes:
        kind: reason code: ``GAP``, ``ZERO_VOLUME``, ``QUARANTINED``, ``FUNDING_MISSING``, ``SIMULATED``.
        start: first moment concerned, microseconds UTC.
        end: first moment no longer concerned.
        count: candles or rows concerned.
        exposed: whether a position was open then.
        profit: change of equity from the last bar before to the first bar after, in quote units.
    """

    kind: str
    start: int
    end: int
    count: int
    exposed: bool = False
    profit: float = 0.0
