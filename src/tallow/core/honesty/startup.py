"""How many bars must come first until an indicator or a strategy no longer depends on where its data began."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tallow.core.causality.compare import changed_rows
from tallow.core.honesty.inputs import bad, check_count
from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import Error, UserError
from tallow.domain.sent import Decisions, Sent

Output = Callable[[Bars], Decisions]
"""Gives one value a bar: targets or an indicator; or a row of values a bar: weights; or what a strategy sent."""

Settling = Literal["none", "settles", "never"]


@dataclass(frozen=True)
class LeadIn:
    """One run that began `bars` bars before the evaluated rows.

    Attributes:
        bars: earlier bars it was given.
        rows_changed: evaluated rows that differ from the run that was given every earlier bar.
        last_changed: whether the last row is among them.
        failed: message of the code under test, where it raised; all rows then count as changed.
    """

    bars: int
    rows_changed: int
    last_changed: bool
    failed: str = ""


@dataclass(frozen=True)
class Startup:
    """How the evaluated rows depend on the bars before them.

    Attributes:
        verdict: ``none``: they do not; ``settles``: from `lead_in` earlier bars on they stay the same; ``never``:
            every bar left out before them changes them, as far back as there are bars.
        lead_in: smallest number of earlier bars from which on no row changes; None when it never settles.
        rows: how many rows were evaluated, the last ones.
        available: earlier bars there were.
        tried: every run, by its number of earlier bars.
    """

    verdict: Settling
    lead_in: int | None
    rows: int
    available: int
    tried: tuple[LeadIn, ...]

    @property
    def warm_up(self) -> int | None:
        """Bars a value needs, its own included: the window of a simple average; 0 when nothing must come first."""
        return None if self.lead_in is None else self.lead_in + 1 if self.lead_in else 0

    @property
    def words(self) -> str:
        """The verdict as a sentence."""
        if self.verdict == "none":
            return "No bar has to come first: every value is final from the first bar on."
        if self.verdict == "never":
            return (
                f"The values keep changing with the start of the data, even {self.available} bars later: "
                "two runs that begin on different days disagree."
            )
        bars = f"{self.warm_up} bars are there, its own included"
        return f"On the rows watched nothing changes once {bars}; a rule that says yes or no may need more elsewhere."

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Startup":
        """Read the plain values of `dataclasses.asdict` back."""
        return cls(**{**values, "tried": tuple(LeadIn(**one) for one in values["tried"])})


def startup_sensitivity(
    run: Output, bars: Bars, *, rows: int | None = None, lead_ins: Sequence[int] | None = None
) -> Startup:
    """Run code on the same last rows with ever more bars before them, and see from when on the values stay.

    The run on all bars is the reference; values differ as in the look-ahead check: by more than 1e-12 + 1e-9 of the
    size of the output. Between the longest lead-in that differs and the next the exact number is searched by
    halving, so that it costs about 10 runs more. It holds for these bars: a rare branch may need more.

    Args:
        run: gives one value a bar, or a row of as many values each; a tallow error counts as a changed output.
        bars: market data; at least 2 bars more than `rows`.
        rows: last rows to evaluate, by default a quarter of the bars and at most 200.
        lead_ins: numbers of earlier bars to try, by default 0, 1, 2, 5, 10, 20, 50 ... and all but one.

    Example:
        >>> from tallow.core.indicators import sma
        >>> prices = 100.0 + np.sin(np.arange(300.0))
        >>> bars = Bars.of(np.arange(300), (prices, prices, prices, prices, prices))
        >>> startup_sensitivity(lambda bars: sma(bars.close, 20), bars).warm_up
        20

    Raises:
        UserError: TOO_FEW_BARS; BAD_PARAMETER for lead-ins that do not fit; what `run` raises on all bars;
            BAD_OUTPUT when it does not give one value a bar.
    """
    count = len(bars)
    evaluated = max(1, min(200, count // 4)) if rows is None else rows
    check_count("rows", evaluated, 1)
    available = count - evaluated
    if available < 2:
        raise UserError("TOO_FEW_BARS", f"{count} bars leave none to come first", facts={"needed": evaluated + 2})
    wanted = _default(available) if lead_ins is None else _checked(lead_ins, available)
    reference = _since(_output(run, bars), available)
    tried = {lead: _try(run, bars[available - lead :], lead, reference) for lead in wanted}
    lead_in = _settled(run, bars, available, reference, tried)
    verdict: Settling = "never" if lead_in is None else "settles" if lead_in else "none"
    return Startup(verdict, lead_in, evaluated, available, tuple(tried[lead] for lead in sorted(tried)))


def _settled(run: Output, bars: Bars, available: int, reference: Floats | Sent, tried: dict[int, LeadIn]) -> int | None:
    # Halve between the longest lead-in that differs and the one after it, which does not.
    changed = [lead for lead, found in tried.items() if found.rows_changed]
    if not changed:
        return min(tried)
    low = max(changed)
    high = min((lead for lead in tried if lead > low), default=available)
    while high - low > 1:
        middle = (low + high) // 2
        tried[middle] = _try(run, bars[available - middle :], middle, reference)
        low, high = (middle, high) if tried[middle].rows_changed else (low, middle)
    return None if high == available else high


def _try(run: Output, bars: Bars, lead: int, reference: Floats | Sent) -> LeadIn:
    try:
        output = _since(_output(run, bars), lead)
    except Error as problem:
        return LeadIn(lead, len(reference), True, problem.message)
    rows = _changed(reference, output)
    return LeadIn(lead, len(rows), len(rows) > 0 and int(rows[-1]) == len(reference) - 1)


def _changed(reference: Floats | Sent, output: Floats | Sent) -> NDArray[np.intp]:
    if isinstance(reference, Sent) or isinstance(output, Sent) or reference.ndim == 1:
        return changed_rows(reference, output, len(reference))
    pairs = zip(reference.T, output.T, strict=True)
    return np.unique(np.concatenate([changed_rows(before, after, len(before)) for before, after in pairs]))


def _since(output: Floats | Sent, row: int) -> Floats | Sent:
    return output.since(row) if isinstance(output, Sent) else output[row:]


def _output(run: Output, bars: Bars) -> Floats | Sent:
    decisions = run(bars)
    if isinstance(decisions, Sent):
        return decisions
    output = np.asarray(decisions, np.float64)
    if output.ndim not in (1, 2) or len(output) != len(bars) or not output.size:
        raise UserError(
            "BAD_OUTPUT", f"the output has shape {output.shape}", facts={"valid": f"one value a bar: ({len(bars)},)"}
        )
    return output


def _checked(lead_ins: Sequence[int], available: int) -> list[int]:
    wanted = sorted(set(lead_ins))
    if not wanted or wanted[0] < 0 or wanted[-1] >= available:
        raise bad("lead_ins", wanted, f"0 to {available - 1}: fewer than all of the earlier bars")
    return wanted


def _default(available: int) -> list[int]:
    steps = [factor * 10**power for power in range(len(str(available))) for factor in (1, 2, 5)]
    return [0, *(step for step in steps if step < available - 1), available - 1]
