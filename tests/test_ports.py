"""Implementations give what the ports promise."""

import inspect
from typing import Any

import pytest

from tallow import ports
from tallow.app import SystemClock
from tallow.runners.inline import load
from tallow.stores.lake import DeltaLake
from tallow.stores.records import SqlRecords
from tallow.venues.binance import Binance

PAIRS = [
    (ports.Clock, SystemClock),
    (ports.Lake, DeltaLake),
    (ports.Records, SqlRecords),
    (ports.Feed, Binance),
    (ports.Strategy, type(load("buy_and_hold", {}))),
]


def methods(port: type) -> list[str]:
    return [name for name, value in vars(port).items() if inspect.isfunction(value) and not name.startswith("_")]


@pytest.mark.parametrize(("port", "implementation"), PAIRS, ids=lambda value: value.__name__)
def test_every_method_is_there_with_the_same_parameters(port: type, implementation: type) -> None:
    for name in methods(port):
        wanted = inspect.signature(getattr(port, name)).parameters
        given = inspect.signature(getattr(implementation, name)).parameters
        assert list(wanted) == list(given)[: len(wanted)], name


def test_silent_progress_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    shown: Any = ports.silent("phase", 1, 2)
    captured = capsys.readouterr()
    assert (shown, captured.out, captured.err) == (None, "", "")
