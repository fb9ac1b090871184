import pytest

from tallow.core.metrics import METRICS
from tallow.flows.report import definitions


@pytest.mark.parametrize("key", METRICS)
def test_every_metric_of_the_core_is_defined(key: str) -> None:
    found = definitions.find_definition(key)
    assert found.meaning.endswith(".")
    assert found in definitions.DEFINITIONS


def test_definitions_name_no_metric_that_does_not_exist() -> None:
    assert {definition.key for definition in definitions.DEFINITIONS} == set(METRICS)


def test_labels_and_anchors_are_unique() -> None:
    for name in ("label", "anchor", "key"):
        values = [getattr(definition, name) for definition in definitions.DEFINITIONS]
        assert len(values) == len(set(values))


@pytest.mark.parametrize(
    ("key", "amount", "expected"),
    [
        ("return_pct", 12.345, "+12.35\u00a0%"),
        ("win_rate_pct", 40.0, "40.00\u00a0%"),
        ("fees", 1234.5, "1,234.50"),
        ("expectancy", -9.04, "−9.04"),
        ("sharpe", -0.6, "−0.60"),
        ("trades", 302, "302"),
        ("max_drawdown_start", 1_709_643_600_000_000, "2024-03-05 13:00"),
        ("break_even_cost_bps", 7.41, "+7.4\u00a0bp"),
        *(
            (key, None, "–")
            for key in ("return_pct", "fees", "sharpe", "trades", "max_drawdown_end", "break_even_cost_bps")
        ),
    ],
)
def test_write(key: str, amount: float | None, expected: str) -> None:
    assert definitions.find_definition(key).write(amount) == expected


def test_an_unknown_metric_is_shown_under_its_key() -> None:
    found = definitions.find_definition("tail_ratio")
    assert (found.label, found.write(1.5)) == ("tail ratio", "1.50")


def test_label_leads_to_the_definition_and_explains_itself() -> None:
    built = definitions.label("max_drawdown_pct")
    assert 'href="#def-max-drawdown-pct"' in built
    assert 'title="Deepest fall of equity' in built


def test_value_carries_the_definition() -> None:
    built = definitions.value("return_pct", -1.0, "down")
    assert built.startswith('<span class="num down" title="Final equity')
    assert "−1.00\u00a0%" in built


def test_glossary_has_an_anchor_for_each_metric() -> None:
    built = definitions.glossary(("sharpe", "strange_new"))
    assert 'id="def-sharpe"' in built
    assert 'id="def-strange-new"' in built
