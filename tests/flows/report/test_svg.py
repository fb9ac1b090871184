import re
from xml.etree import ElementTree

import numpy as np
import pytest

from tallow.domain.timeframes import DAY
from tallow.flows.report import svg
from tallow.flows.report.axes import Axis
from tallow.flows.report.markup import Markup

AXIS = Axis(0.0, 10.0, 100.0)
SPAN = (0, 10 * DAY)


def path_points(drawing: str) -> list[tuple[float, float]]:
    found = re.search(r'd="M([^"Z]*)', drawing)
    assert found is not None
    return [(float(x), float(y)) for x, y in (point.split(",") for point in found[1].split("L"))]


def test_line_goes_through_every_value_when_there_are_few() -> None:
    drawing = svg.line(np.array([0.0, 500.0, 1_000.0]), np.array([0.0, 10.0, 5.0]), AXIS, "equity")
    assert path_points(drawing) == [(0.0, 100.0), (500.0, 0.0), (1_000.0, 50.0)]
    assert 'class="equity"' in drawing


def test_line_skips_what_is_undefined() -> None:
    drawing = svg.line(np.array([0.0, 500.0, 1_000.0]), np.array([np.nan, 10.0, np.inf]), AXIS, "equity")
    assert path_points(drawing) == [(500.0, 0.0)]
    assert svg.line(np.array([0.0]), np.array([np.nan]), AXIS, "equity") == ""


def test_thin_keeps_ends_and_extremes() -> None:
    draw = np.random.default_rng(3)
    values = draw.normal(0, 1, 50_000).cumsum()
    values[31_234] = 1e6
    values[777] = -1e6
    x, kept = svg.thin(np.arange(50_000.0), values)
    assert len(kept) == 2 * svg.COLUMNS
    assert {1e6, -1e6} <= set(kept.tolist())
    assert (x[0], x[-1]) == (0.0, 49_999.0)
    assert np.all(np.diff(x) >= 0)


def test_area_closes_at_zero() -> None:
    drawing = svg.area(np.array([0.0, 1_000.0]), np.array([4.0, 6.0]), AXIS, "water")
    assert drawing == '<path d="M0.0,100.0L0.0,60.0L1000.0,40.0L1000.0,100.0Z" class="water"></path>'
    assert svg.area(np.array([]), np.array([]), AXIS, "water") == ""


def test_rule_is_level() -> None:
    assert 'y1="50.0" y2="50.0"' in svg.rule(AXIS, 5.0)


@pytest.mark.parametrize(("upward", "shape", "tone"), [(True, "#buy", "up"), (False, "#sell", "down")])
def test_triangles_differ_by_shape_not_by_colour_alone(upward: bool, shape: str, tone: str) -> None:
    drawing = svg.triangles(np.array([10.0, 900.0]), [5.0, 6.0], upward)
    assert drawing.count(f'href="{shape}"') == 2
    assert f'<g class="{tone}">' == drawing[: len(f'<g class="{tone}">')]


def test_triangles_do_not_pile_up() -> None:
    assert svg.triangles(np.linspace(0, 999.0, 5_000), [1.0] * 5_000, True).count("<use") == 200


def test_chart_is_well_formed_labelled_and_stretches_only_the_drawing() -> None:
    panel = svg.Panel(AXIS, svg.rule(AXIS, 5.0), Markup("<g></g>"), " %")
    root = ElementTree.fromstring(svg.chart("Equity <of> a year", [panel], SPAN, 140))
    body, side = root.findall("svg")
    assert body.get("aria-label") == "Equity <of> a year"
    assert body.get("viewBox") is None
    assert body.find("svg").get("preserveAspectRatio") == "none"
    assert [text.text for text in side] == ["0 %", "5 %", "10 %"]
    assert [text.text for text in body.findall("text")] == ["3 Jan", "5 Jan", "7 Jan", "9 Jan"]


def test_lowest_label_gives_way_to_the_panel_below() -> None:
    low = Axis(-1.0, 0.0, 50.0, top=110.0)
    root = ElementTree.fromstring(
        svg.chart("two", [svg.Panel(AXIS, Markup("")), svg.Panel(low, Markup(""))], SPAN, 180)
    )
    labels = [float(text.get("y")) for text in root.findall("svg")[1]]
    assert all(abs(one - other) > 9 for one in labels for other in labels if one != other)


def test_histogram_says_what_each_bar_counts() -> None:
    drawing = svg.histogram("returns", np.array([1, 0, 7]), np.array([-3.0, -1.0, 1.0, 3.0]), 100, "day")
    root = ElementTree.fromstring(drawing)
    bars = root.findall("svg/rect")
    assert [bar.find("title").text for bar in bars] == ["−3.00 to −1.00 %: 1 day", "+1.00 to +3.00 %: 7 days"]
    assert [bar.get("class") for bar in bars] == ["down", "up"]
    assert float(bars[1].get("height")) == pytest.approx(7 * float(bars[0].get("height")), rel=0.05)


@pytest.mark.parametrize(("time", "expected"), [(0, 0.0), (5 * DAY, 500.0), (10 * DAY, 1_000.0)])
def test_places_are_per_mille_of_the_span(time: int, expected: float) -> None:
    assert svg.places(np.array([time]), *SPAN).tolist() == [expected]
    assert svg.places(np.array([7]), 7, 7).tolist() == [0.0]


def test_triangles_without_a_price_are_left_out() -> None:
    assert "<use" not in svg.triangles(np.array([10.0]), [float("nan")], True)


def test_bars_of_the_histogram_change_colour_at_zero() -> None:
    counts, edges = np.histogram(np.linspace(-10.49, 10.49, 400), bins=40, range=(-10.4937, 10.4937))
    bars = ElementTree.fromstring(svg.histogram("returns", counts, edges, 100, "day")).findall("svg/rect")
    assert [bar.get("class") for bar in bars] == ["down"] * 20 + ["up"] * 20


def test_spells_are_wide_enough_to_be_seen() -> None:
    drawing = svg.spells([(0, 5 * DAY), (5 * DAY, 5 * DAY + 1)], SPAN, 118)
    root = ElementTree.fromstring(f"<svg>{drawing}</svg>")
    assert [(rect.get("x"), rect.get("width")) for rect in root] == [("0.00%", "50.00%"), ("50.00%", "0.30%")]
    assert {rect.get("y") for rect in root} == {"113"}
