"""Certify that a label uses no bar beyond its horizon: a label may look ahead, but only as far as it says."""

from dataclasses import replace
from hashlib import sha256

import numpy as np

from tallow.core.causality.certify import Subject, certify
from tallow.core.causality.compare import Output
from tallow.core.causality.search import Effort
from tallow.core.causality.trials import Run
from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate, Finding
from tallow.domain.sent import Sent

_PASSED = "no tested future changed the past"


def certify_label(
    run: Run, bars: Bars, horizon: int, *, subject: Subject | None = None, effort: Effort | None = None
) -> Certificate:
    """Say whether any change of bars more than `horizon` rows ahead changes a label.

    The label of row r may use the bars up to row r + `horizon`. Delayed by so many rows it is an output that must not
    see the future, and is certified as one: every row at which it changes by truncation and by opposing futures, a
    sample of all rows, and what `effort` allows beyond that. A finding names the row of the label, and as `cut` the
    last row that both runs saw alike: it lies at or behind the end of the horizon. How the last rows are labelled,
    whose horizon is not over when the bars end, is not looked at: leave them NaN.

    Args:
        run: gives one number a bar; called on changed bars again and again.
        bars: at least twice as many as the horizon, and 3 more.
        horizon: rows that the label may look ahead; 0 for none.
        subject: its source is hashed, its words are taken over; a new process, a trace and a replay are not used.
        effort: what may be spent.

    Example:
        >>> prices = np.array([3.0, 1.0, 2.0, 5.0, 4.0, 6.0] * 9)
        >>> bars = Bars.of(np.arange(54), (prices, prices + 1, prices - 1, prices, prices))
        >>> def rises(bars):  # whether the close two rows later is higher
        ...     later = np.append(bars.close[2:], [np.nan, np.nan])
        ...     return np.where(np.isnan(later), np.nan, later > bars.close)
        >>> certify_label(rises, bars, 2).verdict, certify_label(rises, bars, 1).verdict
        ('certified', 'leaky')

    Raises:
        UserError: BAD_PARAMETER for a horizon below 0; TOO_FEW_BARS; BAD_OUTPUT for a strategy that sends orders.
        Error: whatever `run` raises on the bars as they are.
    """
    if not isinstance(horizon, int | np.integer) or horizon < 0:
        raise UserError("BAD_PARAMETER", f"horizon cannot be {horizon}", facts={"valid": "a number of rows, from 0"})
    if len(bars) < 2 * horizon + 3:
        raise UserError(
            "TOO_FEW_BARS",
            f"{len(bars)} bars are too few to check a label that looks {horizon} rows ahead",
            facts={"needed": 2 * horizon + 3},
        )
    about = subject or Subject()
    blind = replace(about, source="", fresh=None, trace=None, replay=None)
    found = certify(lambda some: _delayed(run(some), horizon), bars, subject=blind, effort=effort)
    findings = tuple(_finding(one, bars, horizon) for one in found.findings)
    reason = found.reason.replace(_PASSED, f"no change of bars more than {horizon} rows ahead changed a label")
    if findings:
        one = findings[0]
        reason = (
            f"the label at row {one.row} changes when only bars after row {one.cut} do; its horizon of {horizon} rows "
            f"ends at row {one.row + horizon}"
        )
    hashed = sha256(about.source.encode()).hexdigest()
    return replace(found, reason=reason, findings=findings, strategy_hash=hashed)


def _delayed(output: Output, horizon: int) -> Floats:
    if isinstance(output, Sent):
        raise UserError(
            "BAD_OUTPUT", "a strategy that sends orders gives no label", facts={"valid": "one number a bar"}
        )
    count = min(horizon, len(output))
    return np.concatenate((np.full(count, np.nan), np.asarray(output, np.float64)[: len(output) - count]))


def _finding(found: Finding, bars: Bars, horizon: int) -> Finding:
    row = found.row - horizon
    return replace(
        found,
        row=row,
        time=int(bars.time[row]),
        kind=f"beyond its horizon: {found.kind}",
        hint="declare how far the label looks ahead, or leave out what comes after that",
    )
