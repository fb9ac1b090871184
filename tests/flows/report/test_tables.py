from tallow.flows.report.markup import tag
from tallow.flows.report.tables import Column, empty, pairs, section, table

COLUMNS = (Column("Name", is_text=True), Column("Value", "What it is worth"))


def test_table_names_itself_and_its_columns() -> None:
    built = table("Prices", COLUMNS, [("a < b", "1.00")])
    assert "<caption>Prices</caption>" in built
    assert '<th scope="col" title="What it is worth">Value</th>' in built
    assert "<tr><td class=text>a &lt; b<td>1.00" in built


def test_table_scrolls_in_its_own_box_and_by_keyboard() -> None:
    assert table("Prices", COLUMNS, []).startswith(
        '<div class="scroll" tabindex="0" role="region" aria-label="Prices"><table>'
    )


def test_paged_table_holds_every_row_and_a_hidden_pager() -> None:
    built = table("Prices", COLUMNS, [("a", "1")] * 60, identifier="prices", page=25)
    assert built.count("<tr><td") == 60
    assert '<table id="prices" data-page="25">' in built
    assert 'class="pager" hidden' in built


def test_missing_cells_are_blank() -> None:
    assert "<tr><td class=text><td>1" in table("Prices", COLUMNS, [(None, "1")])


def test_pairs_keep_markup_and_escape_text() -> None:
    built = pairs([("<a>", tag("code", "x"))])
    assert built == '<dl class="facts"><div><dt>&lt;a&gt;</dt><dd><code>x</code></dd></div></dl>'


def test_section_is_labelled_by_its_heading() -> None:
    built = section("costs", "Cost ladder", "Why.", empty("None."))
    assert built.startswith(
        '<section id="costs" aria-labelledby="costs-title"><header><h2 id="costs-title">Cost ladder'
    )
    assert '<p class="empty">None.</p>' in built
