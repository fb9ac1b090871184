"""Reports of a result: one HTML file, a notebook cell, plain text.

`render` writes the page, `fragment` the notebook cell, `text` the table that a terminal prints,
`describe` plain values. All are pure:
the same result gives the same bytes.
"""

import numpy as np

from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.results import Result
from tallow.flows.report import notebook, page
from tallow.flows.report.described import describe
from tallow.flows.report.palette import check_palette
from tallow.flows.report.plain import text

__all__ = ["describe", "fragment", "render", "text"]


def render(result: Result, bars: Bars, *, palette: str = "green-red") -> str:
    """Write the report of a result as one self-contained HTML file.

    Args:
        result: the finished backtest.
        bars: the very bars it ran on, one for each row of its run.
        palette: ``green-red``, ``red-green`` or ``blue-orange``; the reader can switch.

    Raises:
        UserError: UNKNOWN_PALETTE; BARS_MISMATCH when the bars are not those of the run.
    """
    return page.document(result, _matching(result, bars), check_palette(palette))


def fragment(result: Result, bars: Bars) -> str:
    """Write the result for a notebook cell: at most 200 KB, no script, legible on light and dark.

    Raises:
        UserError: BARS_MISMATCH when the bars are not those of the run.
    """
    return notebook.fragment(result, _matching(result, bars))


def _matching(result: Result, bars: Bars) -> Bars:
    if not np.array_equal(result.run.time, bars.time):
        raise UserError(
            "BARS_MISMATCH",
            "the bars are not those that the result was computed on",
            facts={"received": f"{len(bars):,} bars", "result has": f"{len(result.run.time):,} bars"},
            commands=[f"tallow results replay {result.key[:12]}"],
        )
    return bars
