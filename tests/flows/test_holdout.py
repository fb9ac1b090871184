from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tallow.domain.columns import Bars, Floats, FundingRates
from tallow.domain.errors import UserError
from tallow.domain.ranges import TimeRange
from tallow.domain.scene import Execution, Scene
from tallow.domain.timeframes import HOUR
from tallow.domain.trials import Dataset
from tallow.flows.backtest import Desk, backtest
from tallow.flows.holdout import open_holdout, seal
from tallow.flows.ingest import ingest
from tallow.flows.refine import refine
from tallow.flows.seals import holdout_of
from tallow.ports import Page, Strategy

START = 1_704_067_200_000_000
CUT = START + 100 * HOUR


def sealed_at(desk: Desk, scene: Scene, start: int = CUT) -> None:
    seal(scene.instrument, scene.timeframe, start, desk)


def test_a_seal_stays_where_it_is_or_grows(desk: Desk, scene: Scene) -> None:
    made = seal(scene.instrument, scene.timeframe, CUT, desk)
    assert (made.instrument, made.start, made.sealed, made.seen) == ("binance:BTC/USDT", CUT, desk.clock.now(), 0)
    assert seal(scene.instrument, scene.timeframe, CUT, desk) == made
    assert len(desk.records.seals()) == 1
    with pytest.raises(UserError, match="nothing of that can be unsealed") as caught:
        sealed_at(desk, scene, CUT + 1)
    assert (caught.value.code, caught.value.exit_code) == ("SEALED", 5)
    sealed_at(desk, scene, CUT - HOUR)
    found = holdout_of(desk.records, scene.instrument)
    assert found is not None
    assert found.seal.start == CUT - HOUR


def test_something_must_be_left_to_research(desk: Desk, scene: Scene) -> None:
    with pytest.raises(UserError, match="leaves nothing"):
        sealed_at(desk, scene, START)
    with pytest.raises(UserError, match="NO_DATA"):
        seal(replace(scene.instrument, base="ETH"), scene.timeframe, CUT, desk)


def test_trials_that_have_seen_it_are_counted(desk: Desk, scene: Scene) -> None:
    for number, (start, end) in enumerate([(START, CUT), (START, CUT + 1), (CUT + 1, CUT + 9)]):
        tried = Dataset(("binance:BTC/USDT", "binance:ETH/USDT"), start, end, 1.0)
        desk.records.count_trials(tried, [bytes([number]) * 16], np.array([0.1]))
    assert seal(scene.instrument, scene.timeframe, CUT, desk).seen == 2


def test_a_version_looks_once(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    sealed_at(desk, scene)
    first = open_holdout(scene, hold(), desk)
    assert (first.again, first.holdout.versions) == (False, 1)
    assert first.result.scene.range.start == CUT
    assert int(first.result.run.time[0]) >= CUT
    assert "HOLDOUT opened by 1 version" in first.result.notes
    # Neither another fee nor another range is a reason for a second look.
    other = replace(scene, execution=Execution(taker_fee=0.0), range=TimeRange(CUT, CUT + HOUR))
    second = open_holdout(other, hold(), desk)
    assert second.again
    assert second.result.key == first.result.key
    assert desk.evaluate.calls == 1  # type: ignore[attr-defined]
    assert len(desk.records.openings()) == 1


def test_another_version_is_allowed_counted_and_shown(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    sealed_at(desk, scene)
    open_holdout(scene, hold(), desk)
    changed = open_holdout(scene, hold(source="other text"), desk)
    assert (changed.again, changed.holdout.versions) == (False, 2)
    assert "HOLDOUT opened by 2 versions: it is no longer a holdout" in changed.result.notes
    third = open_holdout(replace(scene, parameters={"a": 1}), hold(parameters={"a": 1}), desk)
    assert third.holdout.words == "opened by 3 versions: it is no longer a holdout"
    words = [one.strategy for one in third.holdout.openings]
    assert words == ["hold() 1h", "hold() 1h", "hold(a=1) 1h"]


def test_an_interruption_is_on_record_and_so_is_the_look_after_it(
    desk: Desk, scene: Scene, hold: type[Strategy]
) -> None:
    sealed_at(desk, scene)

    def killed(strategy: Strategy, bars: Bars, scene: Scene, funding: FundingRates | None) -> Floats:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_holdout(scene, hold(), replace(desk, evaluate=killed))
    assert [one.key for one in desk.records.openings()] == [""]
    after = open_holdout(scene, hold(), desk)
    assert after.again
    assert (after.holdout.versions, after.holdout.interrupted) == (1, 1)
    assert [one.key for one in desk.records.openings()] == ["", after.result.key]
    assert open_holdout(scene, hold(), desk).result.key == after.result.key
    assert len(desk.records.openings()) == 2


def test_a_removed_result_is_computed_again_on_record(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    sealed_at(desk, scene)
    first = open_holdout(scene, hold(), desk)
    desk.records.remove(first.result.key)
    again = open_holdout(scene, hold(), desk)
    assert (again.again, again.result.digest) == (True, first.result.digest)
    assert len(desk.records.openings()) == 2


def test_nothing_sealed_and_nothing_there_open_nothing(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    with pytest.raises(UserError, match="NOT_SEALED"):
        open_holdout(scene, hold(), desk)
    sealed_at(desk, scene, START + 10_000 * HOUR)
    with pytest.raises(UserError, match="NO_DATA"):
        open_holdout(scene, hold(), desk)
    assert desk.records.openings() == ()


def test_new_data_neither_unseal_nor_reopen(
    desk: Desk, scene: Scene, hold: type[Strategy], candle_page: Callable[..., Page]
) -> None:
    sealed_at(desk, scene)
    first = open_holdout(scene, hold(), desk)
    ingest([candle_page(range(150, 400), symbol="BTC/USDT", source="later")], desk.lake)
    refine(desk.lake)
    with pytest.raises(UserError, match="SEALED"):
        backtest(scene, hold(), desk)
    assert open_holdout(scene, hold(), desk).result.key == first.result.key
