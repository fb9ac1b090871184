import io

import pytest
from rich.console import Console

from tallow.cli.progress import ProgressLine


def test_one_line_a_phase_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show = ProgressLine()
    for done in range(3):
        show("reading", done, 2)
    show("writing", 0, 0)
    captured = capsys.readouterr()
    assert captured.err == "reading ...\nwriting ...\n"
    assert captured.out == ""


def test_bars_on_a_terminal_end_when_the_work_is_done() -> None:
    stream = io.StringIO()
    show = ProgressLine(Console(file=stream, force_terminal=True, width=120))
    show("reading", 1, 4)
    show("reading", 4, 4)
    assert "reading" in stream.getvalue()
    assert "4/4" in stream.getvalue()
    show.close()
