import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.core.search import axes_of
from tallow.domain.errors import TerminalError
from tallow.domain.scene import Execution, Scene
from tallow.domain.sweep import Search
from tallow.flows.sweep import Folding, cross_validate
from tallow.flows.sweep.cross_filing import cross_of, file_of
from tallow.flows.sweep.cross_values import CrossValidationResult
from tallow.ports import Strategy

SEARCH = Search(axes_of({"fast": [2, 3], "slow": [7, 12]}))
FOLDING = Folding(4, 2, purge=2, embargo=1)


@pytest.fixture
def done(hall: Any, cross: Strategy, cross_scene: Scene) -> CrossValidationResult:
    return cross_validate(cross_scene, cross, SEARCH, FOLDING, hall.studio())


def test_it_is_read_back_as_it_was(hall: Any, done: CrossValidationResult) -> None:
    found = hall.studio().desk.records.filed(done.result.key[:12])
    assert (found.kind, found.instruments, found.verdict) == ("cross-validation", ("binance:BTC/USDT",), "unproven")
    again = cross_of(found)
    assert again.result.run.digest() == done.result.run.digest()
    assert replace(again.result, run=done.result.run) == done.result
    assert (again.search, again.plan, again.splits) == (done.search, done.plan, done.splits)
    assert (again.middle, again.combinations, again.computed) == (done.middle, 4, 0)
    assert again.rows.tolist() == done.rows.tolist() == list(range(196))
    for one, two in zip(again.paths, done.paths, strict=True):
        assert one.equity.tobytes() == two.equity.tobytes()
        assert replace(one, equity=two.equity) == two


def test_splits_without_a_choice_are_kept(hall: Any, cross: Strategy, cross_scene: Scene) -> None:
    flat = cross_validate(cross_scene, cross, Search(axes_of({"slow": [150]})), FOLDING, hall.studio())
    body = json.loads(json.dumps(file_of(flat).body, allow_nan=False))
    assert body["splits"][0]["trained"] is None
    read = cross_of(replace(file_of(flat), body=body))
    assert np.isnan([split.trained for split in read.splits]).all()
    assert np.isnan([path.bar_sharpe for path in read.paths]).all()


@pytest.mark.parametrize("bent", ["equity", "digest of a path"])
def test_bent_numbers_are_refused(done: CrossValidationResult, bent: str) -> None:
    found = file_of(done)
    if bent == "equity":
        found = replace(found, arrays={**found.arrays, "equity": found.arrays["equity"] * 2.0})
    else:
        other = (done.middle + 1) % 3
        paths = [{**path, "digest": "0" * 64} if at == other else path for at, path in enumerate(found.body["paths"])]
        found = replace(found, body={**found.body, "paths": paths})
    with pytest.raises(TerminalError, match="does not give its digest") as caught:
        cross_of(found)
    assert caught.value.code == "DAMAGED_RESULT"


@pytest.mark.parametrize("change", ["axes", "goal", "groups", "purge", "cash", "execution", "source"])
def test_any_other_one_is_a_miss(
    hall: Any, done: CrossValidationResult, cross: Strategy, cross_scene: Scene, change: str
) -> None:
    scene, strategy, search, folding = cross_scene, cross, SEARCH, FOLDING
    if change == "axes":
        search = Search(axes_of({"fast": [2], "slow": [7, 12]}))
    elif change == "goal":
        search = replace(SEARCH, goal="total_return")
    elif change in ("groups", "purge"):
        folding = replace(FOLDING, **{change: 5})
    elif change == "source":
        strategy = replace(cross, source=f"{cross.source}\n")  # type: ignore[type-var]
    else:
        value = 5_000.0 if change == "cash" else Execution(taker_fee=0.002)
        scene = replace(cross_scene, **{change: value})
    assert cross_validate(scene, strategy, search, folding, hall.studio()).result.key != done.result.key
