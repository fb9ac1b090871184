"""What a query may say: one SELECT over tables of the lake, nothing that writes."""

import re
from collections.abc import Iterator, Sequence

from tallow.domain.errors import UserError, nearest
from tallow.domain.tables import TABLES, Table

_TOKEN = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<text>'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")*")
      | (?P<word>[A-Za-z_]\w*)
      | (?P<rest>\d[\w.]*|.)""",
    re.VERBOSE | re.DOTALL,
)
_WRITING = re.compile(
    r"alter|analyze|attach|call|copy|create|deallocate|delete|drop|execute|grant|insert|install|into|load|merge|prepare"
    r"|revoke|set|truncate|update|vacuum"
)
_BY_NAME = {table.full_name: table for table in TABLES}
_FIELD = re.compile(r"No field named \W*([\w.]+)")  # how the engine reports a column that does not exist


def read_query(sql: str) -> tuple[str, list[Table]]:
    """Check a query and give it with plain table names (``silver_candles``), and the tables it names.

    Example:
        >>> text, tables = read_query("select count(*) from silver.candles")
        >>> text, [table.full_name for table in tables]
        ('select count(*) from silver_candles', ['silver.candles'])

    Raises:
        UserError: BAD_SQL unless the text is exactly one SELECT (WITH ... SELECT) that reads tables of the lake.
    """
    tokens = [token for token in _tokens(sql) if token[0] != "skip"]
    while tokens and tokens[-1][1] == ";":
        tokens.pop()
    words = [text.lower() for kind, text in tokens if kind == "word"]
    if not words or words[0] not in ("select", "with") or tokens[0][0] != "word":
        raise bad_query("a query is one SELECT", sql)
    if any(text == ";" for kind, text in tokens if kind == "rest"):
        raise bad_query("a query is one statement", sql)
    for word in words:
        if _WRITING.fullmatch(word):
            raise bad_query(f"a query only reads: {word.upper()} is refused", sql)
    text, tables = _plain(list(_tokens(sql)))
    return text.rstrip().rstrip(";"), tables


def bad_query(message: str, sql: str, tables: Sequence[Table] = ()) -> UserError:
    """Report a query that cannot be run, with the names nearest to the unknown ones, and the columns of its tables."""
    columns = {table.full_name: table.column_names for table in tables}
    field = _FIELD.search(message)
    if field is not None:
        known = [name for names in columns.values() for name in names]
        unknown = [field[1].rstrip(".").rpartition(".")[2]]
    else:
        known = list(_BY_NAME)
        unknown = [name for name in re.findall(r"\w+\.\w+", sql) if name.lower() not in _BY_NAME]
    hints = [f"{word} -> {', '.join(found)}" for word in unknown if (found := nearest(word, known, 2))]
    return UserError(
        "BAD_SQL",
        message,
        facts={
            "received": " ".join(sql.split())[:200] or "nothing",
            "nearest": "; ".join(hints),
            **({f"{name} has": ", ".join(names) for name, names in columns.items()} or {"tables": ", ".join(_BY_NAME)}),
        },
        commands=['tallow query "select count(*) from silver.candles"'],
    )


def plain_name(table: Table) -> str:
    """Give the name under which the engine knows a table."""
    return f"{table.layer}_{table.name}"


def _tokens(sql: str) -> Iterator[tuple[str, str]]:
    return ((str(match.lastgroup), match[0]) for match in _TOKEN.finditer(sql))


def _plain(tokens: list[tuple[str, str]]) -> tuple[str, list[Table]]:
    parts: list[str] = []
    tables: dict[str, Table] = {}
    at = 0
    while at < len(tokens):
        three = "".join(text for _, text in tokens[at : at + 3]).replace('"', "").lower()
        one = tokens[at][1].replace('"', "").lower() if tokens[at][0] == "name" else ""
        table = _BY_NAME.get(three) or _BY_NAME.get(one)
        if table is not None:
            tables[table.full_name] = table
            parts.append(plain_name(table))
            at += 1 if one in _BY_NAME else 3
        else:
            parts.append(tokens[at][1])
            at += 1
    return "".join(parts), list(tables.values())
