import pytest

from tallow.domain.errors import DataError, Error, TerminalError, TransientError, UserError, nearest


def test_report_has_one_line_for_each_fact_and_command() -> None:
    error = UserError(
        "NO_DATA", "nothing here", facts={"lake holds": 3}, commands=["tallow a", "tallow b"], exit="no data"
    )
    assert str(error) == (
        "error[NO_DATA] nothing here\n  lake holds  3\n  try         tallow a\n  or          tallow b"
    )
    assert error.exit_code == 3
    assert error.hint == "tallow a"


def test_report_without_facts_is_one_line() -> None:
    error = DataError("BAD", "bad bytes")
    assert str(error) == "error[BAD] bad bytes"
    assert error.hint == ""
    assert error.to_dict() == {"error": "BAD", "message": "bad bytes", "facts": {}, "commands": [], "exit_code": 1}


@pytest.mark.parametrize(
    ("kind", "code"), [(UserError, 2), (DataError, 1), (TransientError, 1), (TerminalError, 70), (Error, 1)]
)
def test_each_kind_has_its_exit_code(kind: type[Error], code: int) -> None:
    assert kind("X", "y").exit_code == code


def test_nearest_ignores_case_and_keeps_the_known_spelling() -> None:
    assert nearest("btcusdt", ["ETH/USDT", "BTC/USDT"])[0] == "BTC/USDT"
    assert nearest("zzz", ["BTC/USDT"]) == []
