"""Static charts as inline SVG: they need no script, follow the theme, and keep their text size at every width.

Only the innermost drawing is stretched sideways; labels and marks stand beside it at percentages of the width.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tallow.domain.columns import Floats, Times
from tallow.flows.report.axes import Axis, nice_ticks, time_ticks
from tallow.flows.report.figures import number, plural
from tallow.flows.report.markup import Markup, join, tag

COLUMNS = 360  # most columns of a static line: each keeps its lowest and highest value
FOOT = 22  # pixels below the plot for the labels of the time axis


@dataclass(frozen=True)
class Panel:
    """A part of a chart with its own vertical axis, and what is drawn in it."""

    axis: Axis
    drawing: Markup
    marks: Markup | None = None
    unit: str = ""


def places(time: Times, start: int, end: int) -> Floats:
    """Give horizontal places of moments, 0 to 1,000."""
    return np.asarray((time - start) / max(1, end - start) * 1_000.0, np.float64)


def thin(x: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Keep the lowest and the highest value of each of `COLUMNS` columns, in order; NaN rows are left out."""
    known = np.isfinite(values)
    x, values = x[known], values[known]
    if len(x) <= 2 * COLUMNS:
        return x, values
    edges = np.linspace(0, len(x), COLUMNS + 1).astype(np.int64)
    rows = np.empty(2 * COLUMNS, np.int64)
    for column, (start, end) in enumerate(pairwise(edges.tolist())):
        pair = (start + int(np.argmin(values[start:end])), start + int(np.argmax(values[start:end])))
        rows[2 * column : 2 * column + 2] = sorted(pair)
    # The line begins and ends where the data does.
    rows[0], rows[-1] = 0, len(x) - 1
    return x[rows], values[rows]


def line(x: Floats, values: Floats, axis: Axis, class_: str) -> Markup:
    """Draw a line; nothing when no value is known."""
    x, values = thin(x, values)
    return tag("path", d=_path(x, values, axis), class_=class_) if len(x) else Markup("")


def area(x: Floats, values: Floats, axis: Axis, class_: str) -> Markup:
    """Fill between a line and zero."""
    x, values = thin(x, values)
    if not len(x):
        return Markup("")
    zero = axis.y(0.0)
    return tag("path", d=f"M{x[0]:.1f},{zero:.1f}L{_path(x, values, axis)[1:]}L{x[-1]:.1f},{zero:.1f}Z", class_=class_)


def rule(axis: Axis, value: float, class_: str = "zero") -> Markup:
    """Draw a level line across the whole width."""
    y = axis.y(value)
    return tag("line", x1="0", x2="1000", y1=f"{y:.1f}", y2=f"{y:.1f}", class_=class_)


def triangles(x: Floats, y: Iterable[float], upward: bool) -> Markup:
    """Draw buy marks (pointing up, tip at `y`) or sell marks (pointing down); one for each 1/200 of the width."""
    shape, seen, marks = ("buy" if upward else "sell"), set(), []
    for place, row in zip(x, y, strict=True):
        if math.isfinite(row) and (column := int(place // 5)) not in seen:
            seen.add(column)
            marks.append(tag("use", href=f"#{shape}", x=f"{place / 10:.2f}%", y=f"{row:.1f}"))
    return tag("g", *marks, class_="up" if upward else "down")


def spells(ranges: Iterable[tuple[int, int]], span: tuple[int, int], floor: int) -> Markup:
    """Mark stretches of time (microseconds) on the time axis at pixel row `floor`."""
    marks = []
    for start, end in ranges:
        left, right = (float(place) / 10 for place in places(np.array([start, end]), *span))
        shape = {"x": f"{left:.2f}%", "width": f"{max(0.3, right - left):.2f}%", "y": floor - 5, "height": 5}
        marks.append(tag("rect", class_="spell", **shape))
    return join(*marks)


def chart(label: str, panels: Sequence[Panel], span: tuple[int, int], height: int) -> Markup:
    """Put panels, grid, axes and time labels together; `label` says in words what is to be seen."""
    grid, axis_labels = [], []
    for panel in panels:
        ticks, decimals = nice_ticks(panel.axis.low, panel.axis.high, max(2, int(panel.axis.height // 44)))
        for tick in ticks:
            y = f"{panel.axis.y(tick):.1f}"
            grid.append(tag("line", x1="0", x2="100%", y1=y, y2=y, class_="grid"))
            # A label at the foot of a panel would touch the first one of the panel below.
            if panel is panels[-1] or panel.axis.y(tick) < panel.axis.top + panel.axis.height - 10:
                axis_labels.append(tag("text", number(tick, decimals) + panel.unit, x="8", y=y, dy=".32em"))
    times = [
        tag("text", text, x=f"{float(places(np.array([time]), *span)[0]) / 10:.2f}%", y=str(height - 6), class_="time")
        for time, text in time_ticks(*span, 6)
        if 0.04 < (time - span[0]) / max(1, span[1] - span[0]) < 0.96
    ]
    # Stretched by the browser: one file serves every width, and strokes keep theirs (vector-effect).
    drawing = tag(
        "svg",
        *(panel.drawing for panel in panels),
        viewBox=f"0 0 1000 {height}",
        preserveAspectRatio="none",
        width="100%",
        height=height,
    )
    floor = tag("line", x1="0", x2="100%", y1=height - FOOT, y2=height - FOOT, class_="floor")
    marks = (panel.marks for panel in panels)
    body = tag("svg", *grid, floor, drawing, *marks, *times, height=height, width="100%", role="img", aria_label=label)
    side = tag("svg", *axis_labels, height=height, width="68", class_="side", aria_hidden="true")
    return tag("div", body, side, class_="plot")


def histogram(label: str, counts: NDArray[np.int64], edges: Floats, height: int, unit: str) -> Markup:
    """Draw a histogram of returns in per cent of a `unit`: losses and gains by colour and by side of the zero line."""
    axis = Axis(0.0, float(max(1, counts.max(initial=1))), height - FOOT - 6, 6)
    low, span = float(edges[0]), float(edges[-1] - edges[0]) or 1.0
    bars = []
    for count, start, end in zip(counts, edges[:-1], edges[1:], strict=True):
        if count:
            words = f"{number(start, 2, signed=True)} to {number(end, 2, signed=True)} %: {plural(int(count), unit)}"
            left, width, y = (start - low) / span * 100, (end - start) / span * 100, axis.y(float(count))
            shape = {"x": f"{left:.2f}%", "width": f"{width * 0.92:.2f}%", "y": f"{y:.1f}"}
            # The middle decides: the edge at zero may be off by the last bit.
            kind = "up" if start + end > 0 else "down"
            bars.append(tag("rect", tag("title", words), height=f"{axis.y(0) - y:.1f}", class_=kind, **shape))
    ticks, decimals = nice_ticks(low, low + span, 6)
    labels = [
        tag(
            "text",
            f"{number(t, decimals, signed=True)} %",
            x=f"{(t - low) / span * 100:.2f}%",
            y=height - 6,
            class_="time",
        )
        for t in ticks
        if 0.05 < (t - low) / span < 0.95
    ]
    zero = f"{-low / span * 100:.2f}%"
    floor = tag("line", x1="0", x2="100%", y1=height - FOOT, y2=height - FOOT, class_="floor")
    middle = tag("line", x1=zero, x2=zero, y1="0", y2=height - FOOT, class_="zero")
    content = join(*bars, floor, middle, *labels)
    return tag(
        "div", tag("svg", content, height=height, width="100%", role="img", aria_label=label), class_="plot bare"
    )


def _path(x: Floats, values: Floats, axis: Axis) -> str:
    y = axis.top + axis.height * (axis.high - values) / (axis.high - axis.low)
    return "M" + "L".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
