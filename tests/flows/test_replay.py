from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import UserError
from tallow.domain.scene import Scene
from tallow.flows.backtest import Desk, backtest
from tallow.flows.ingest import ingest
from tallow.flows.refine import refine
from tallow.flows.replay import Replay, find_result, replay
from tallow.ports import Page, Strategy


def test_a_replay_gives_the_same_bits_although_the_lake_has_grown(
    desk: Desk, candle_page: Callable[..., Page], scene: Scene, hold: type[Strategy]
) -> None:
    stored = backtest(scene, hold(), desk)
    ingest([candle_page([300], symbol="BTC/USDT")], desk.lake)
    refine(desk.lake)
    again = replay(stored, hold(), desk)
    assert again.equal
    assert again.differences == ()


def test_a_replay_tells_what_differs(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    @dataclass(frozen=True)
    class Half(hold):  # type: ignore[misc,valid-type]
        def targets(self, bars: Bars) -> Floats:
            return np.full(len(bars), 0.5)

    stored = backtest(scene, hold(), desk)
    again = replay(replace(stored, engine_version="0"), Half(), desk)
    assert not again.equal
    assert any("return_pct" in text for text in again.differences)
    assert any("engine" in text for text in again.differences)


def test_results_are_found_by_their_first_digits(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    stored = backtest(scene, hold(), desk)
    assert find_result(desk, stored.key[:10]).digest == stored.digest
    with pytest.raises(UserError, match="UNKNOWN_RESULT"):
        find_result(desk, "zz")


def test_a_replay_tells_other_data(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    stored = backtest(scene, hold(), desk)
    again = replay(replace(stored, data_digest="other"), hold(), desk)
    assert any(text.startswith("data:") for text in again.differences)


def test_any_difference_makes_a_replay_unequal() -> None:
    assert Replay("k", "d", "d", ()).equal
    assert not Replay("k", "d", "e", ()).equal
    assert not Replay("k", "d", "d", ("orders: the log differs",)).equal
