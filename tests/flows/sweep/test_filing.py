import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallow.core.search import axes_of
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.errors import TerminalError
from tallow.domain.scene import Execution, Scene
from tallow.domain.sent import Decisions
from tallow.domain.sweep import Search
from tallow.flows.sweep import Studio, Walk, walk_forward
from tallow.flows.sweep.filing import file_of, search_in, walk_of
from tallow.flows.sweep.forward import replay_walk
from tallow.ports import Strategy
from tallow.runners.inline import Conditions, load, under

SEARCH = Search(axes_of({"fast": [2, 3, 5], "slow": [7, 12]}))
BIDS = """
from tallow import Order, Side, Strategy


class Bids(Strategy):
    below = 0.01

    def next(self):
        if len(self.bars) % 10 == 0:
            self.submit(Order(Side.BUY, 0.5, "limit", price=self.bars.close[-1] * (1 - self.below)))
"""


def test_a_walk_is_read_back_as_it_was(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    done = walk_forward(cross_scene, cross, SEARCH, Walk(100, 48), hall.studio())
    found = hall.studio().desk.records.filed(done.result.key[:12])
    assert (found.kind, found.instruments, found.verdict) == ("walk-forward", ("binance:BTC/USDT",), "unproven")
    assert json.loads(json.dumps(found.body, allow_nan=False)).keys() == found.body.keys()
    again = walk_of(found)
    assert again.result.run.digest() == done.result.digest
    assert replace(again.result, run=done.result.run) == done.result
    assert (again.search, again.folds, again.anchored) == (done.search, done.folds, done.anchored)
    assert (again.train, again.test, again.combinations, again.computed) == ("100", "48", 6, 0)


def test_open_axes_and_steps_without_a_number_are_kept(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    drawn = Search(axes_of({"fast": "0.5..2.5", "kind": ["a", "b"]}), "random", 3, 5, "wins", ("fast < 3",))
    flat = walk_forward(cross_scene, cross, Search(axes_of({"slow": [150]})), Walk(100, 48), hall.studio())
    found = file_of(replace(flat, search=drawn))
    read = search_in(json.loads(json.dumps(found.body))["search"])
    # NaN is no other NaN: the limits of an axis of values.
    assert repr(read) == repr(drawn)
    assert [dict(fold.parameters) for fold in walk_of(found).folds] == [{}, {}]
    assert np.isnan([fold.trained for fold in walk_of(found).folds]).all()


def test_bent_numbers_are_refused(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    found = file_of(walk_forward(cross_scene, cross, SEARCH, Walk(100, 48), hall.studio()))
    with pytest.raises(TerminalError, match="DAMAGED_RESULT"):
        walk_of(replace(found, arrays={**found.arrays, "equity": found.arrays["equity"] * 2.0}))


def test_a_replay_chooses_anew_and_gives_every_bit(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    done = walk_forward(cross_scene, cross, SEARCH, Walk(100, 48), hall.studio())
    studio = hall.studio()
    found = studio.desk.records.filed(done.result.key)
    same = replay_walk(found, cross, studio)
    assert (same.equal, same.differences) == (True, ())
    assert hall.asked == 12
    folds = [{**fold, "parameters": {"fast": 3, "slow": 99}} for fold in found.body["folds"]]
    changed = {**found.body, "folds": folds, "engine_version": "0", "data_digest": "00", "metrics": {"trades": -1}}
    told = replay_walk(replace(found, body=changed), cross, studio).differences
    assert told[0].startswith("trades: stored -1, now ")
    assert told[1:3] == ("step 1: choice differs", "step 2: choice differs")
    assert told[3].startswith("data digest: stored 00, now ")
    assert told[4].startswith("engine version: stored 0, now ")
    bent = [{**found.body["folds"][0], "test_return": 5.0}]
    told = replay_walk(replace(found, body={**found.body, "folds": bent}), cross, studio).differences
    assert told == ("steps: stored 1, now 2", "step 1: test_return differs")


def test_a_replay_compares_what_became_of_the_orders(hall: Any, cross_scene: Scene, tmp_path: Path) -> None:
    def evaluate(
        strategy: Strategy, bars: Bars, scene: Scene, funding: FundingRates | None, first: int = 0, /
    ) -> Decisions:
        given = Conditions(scene.execution, scene.cash, funding, terms=scene.terms, first=first)
        return under(strategy, given).targets(bars)

    (tmp_path / "bids.py").write_text(BIDS)
    bids = load(str(tmp_path / "bids.py"))
    scene, studio = replace(cross_scene, strategy="bids", parameters=bids.parameters), hall.studio()
    studio = Studio(replace(studio.desk, evaluate=evaluate), studio.recruit)
    done = walk_forward(scene, bids, Search(axes_of({"below": [0.01, 0.02]})), Walk(100, 48), studio)
    found = studio.desk.records.filed(done.result.key)
    assert found is not None
    assert len(found.arrays["orders.state"]) > 4
    assert replay_walk(found, bids, studio).equal
    # The log is no part of the digest of the run.
    arrays = {**found.arrays, "orders.state": found.arrays["orders.state"][::-1] + 1}
    told = replay_walk(replace(found, arrays=arrays), bids, studio)
    assert (told.equal, told.digest) == (False, told.stored_digest)
    assert told.differences == ("orders: the log differs",)


@pytest.mark.parametrize("change", ["axes", "goal", "stretch", "anchored", "cash", "execution", "source"])
def test_any_other_walk_is_a_miss(hall: Any, cross: Strategy, cross_scene: Scene, change: str) -> None:
    first = walk_forward(cross_scene, cross, SEARCH, Walk(100, 48), hall.studio())
    scene, strategy, search, walk = cross_scene, cross, SEARCH, Walk(100, 48)
    if change == "axes":
        search = Search(axes_of({"fast": [2, 3], "slow": [7, 12]}))
    elif change == "goal":
        search = replace(SEARCH, goal="total_return")
    elif change in ("stretch", "anchored"):
        walk = Walk(100, 40) if change == "stretch" else Walk(100, 48, anchored=True)
    elif change == "source":
        strategy = replace(cross, source=f"{cross.source}\n")  # type: ignore[type-var]
    else:
        value = 5_000.0 if change == "cash" else Execution(taker_fee=0.002)
        scene = replace(cross_scene, **{change: value})
    second = walk_forward(scene, strategy, search, walk, hall.studio())
    assert second.result.key != first.result.key
    assert len(hall.studio().desk.records.list()) == 2


def test_a_walk_that_does_not_say_how_it_counts_is_replayed_in_candles(
    hall: Any, cross: Strategy, cross_scene: Scene
) -> None:
    by_count = walk_forward(cross_scene, cross, SEARCH, Walk(98, 49), hall.studio())
    studio = hall.studio()
    found = studio.desk.records.filed(by_count.result.key)
    # The candles have a hole of four hours: 98 of them last 102 hours.
    walk = {"train": "98h", "test": "49h", "anchored": False}
    assert replay_walk(replace(found, body={**found.body, "walk": walk}), cross, studio).equal
    assert not replay_walk(replace(found, body={**found.body, "walk": {**walk, "in_time": True}}), cross, studio).equal
