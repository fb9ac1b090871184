"""The page of the lake names every table, column, key and cause."""

from pathlib import Path

import pytest

from tallow.core.clean import REASONS
from tallow.domain.tables import TABLES
from tallow.flows.ingest.coverage import NOT_AT_VENUE
from tallow.flows.refine.gold import INCOMPLETE
from tallow.flows.refine.rows import MISSING
from tallow.flows.refine.trades import TRADE_IDS

PAGE = (Path(__file__).parents[2] / "docs" / "lake.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.full_name)
def test_every_table_and_column_is_in_the_page(table):
    _, found, rest = PAGE.partition(f"### {table.full_name}\n")
    section = rest.partition("\n### ")[0]
    assert found
    assert table.meaning in section
    assert f"Key: {', '.join(f'`{name}`' for name in table.key)}." in section
    assert f"Retention: {table.retention}." in section
    lines = [f"| `{column.name}` | {column.type} | {column.meaning} |" for column in table.columns]
    assert [line for line in section.splitlines() if line.startswith("| `")] == lines


def test_no_table_is_in_the_page_that_does_not_exist():
    names = [line.removeprefix("### ") for line in PAGE.splitlines() if line.startswith("### ")]
    assert names == [table.full_name for table in TABLES]


def test_every_cause_of_a_gap_is_explained():
    flags = [code for code, reason in REASONS.items() if reason.action == "flag" and code != "CLOCK_JUMP"]
    for cause in (MISSING, INCOMPLETE, TRADE_IDS, NOT_AT_VENUE, *flags):
        assert cause in PAGE
