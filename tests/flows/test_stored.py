from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallow.core.search import axes_of
from tallow.domain.columns import Floats
from tallow.domain.errors import UserError
from tallow.domain.results import Result
from tallow.domain.scene import Scene
from tallow.domain.sweep import Search, WalkForwardResult
from tallow.flows.backtest import Desk, backtest
from tallow.flows.portfolio import Book, PortfolioResult, portfolio
from tallow.flows.stored import (
    Loaders,
    describe,
    find_backtest,
    find_stored,
    key_of,
    render,
    replay_stored,
    text,
    trials_by_now,
)
from tallow.flows.sweep import Folding, Studio, Walk, cross_validate, walk_forward
from tallow.flows.sweep.cross_values import CrossValidationResult
from tallow.runners.crew import Recruiter
from tallow.runners.inline import load
from tallow.stores.records import SqlRecords


class Half:
    name, source, file, parameters = "half", "half", "half.py", {"share": 0.5}

    def with_clock_moved(self) -> tuple[Any, ...]:
        return ()

    def weigh(self, bars: Any, timeframe: Any) -> Floats:
        return np.full((len(next(iter(bars.values()))), 1), 0.5)


@pytest.fixture
def desk(desk: Desk, tmp_path: Path) -> Desk:
    """The same lake, with records on disk."""
    return replace(desk, records=SqlRecords(str(tmp_path / "results")))


@pytest.fixture
def all_kinds(desk: Desk, scene: Scene) -> dict[str, str]:
    """One stored result of each kind: kind -> key."""
    cross = load("sma_cross", {})
    said = replace(scene, strategy="sma_cross", parameters=cross.parameters)
    single = backtest(said, cross, desk)
    several = portfolio(Book(["BTC/USDT"], Half()), [replace(scene, strategy="half")], desk, check=False)
    search = Search(axes_of({"fast": [2, 3], "slow": [7]}))
    studio = Studio(desk, Recruiter(1, desk.clock))
    walked = walk_forward(said, cross, search, Walk(100, 48), studio)
    crossed = cross_validate(said, cross, search, Folding(4), studio)
    single_keys = {"backtest": single.key, "portfolio": several.key}
    return {**single_keys, "walk-forward": walked.result.key, "cross-validation": crossed.result.key}


def loaders(desk: Desk) -> Loaders:
    def stored(name: str, source: str, parameters: Any) -> Any:
        return load(name, parameters)

    return Loaders(stored, lambda *given: Half(), Studio(desk, Recruiter(1, desk.clock)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("backtest", Result),
        ("portfolio", PortfolioResult),
        ("walk-forward", WalkForwardResult),
        ("cross-validation", CrossValidationResult),
    ],
)
def test_every_kind_is_found_shown_drawn_and_replayed(
    desk: Desk, all_kinds: dict[str, str], kind: str, made: type, candle_page: Callable[..., Any]
) -> None:
    key = all_kinds[kind]
    found = find_stored(desk, key[:12])
    assert isinstance(found, made)
    assert key_of(found) == key
    values = describe(found)
    assert (values["key"], values.get("kind", "backtest")) == (key, kind)
    assert values["score"] is not None
    assert values["ladder"]
    assert values["digest"] in text(found)
    assert f"tallow results replay {key[:12]}" in text(found)
    page = render(found, desk, "green-red")
    assert page.startswith("<!doctype html>")
    assert f"tallow results replay {key[:12]}" in page
    assert 'id="honesty"' in page
    outcome = replay_stored(desk, key[:12], loaders(desk))
    assert (outcome.equal, outcome.differences, outcome.key) == (True, (), key)
    # Backtest, two combinations, the walk and the cross-validation, and the portfolio of this one instrument.
    assert trials_by_now(found, desk) == 6


def test_what_is_no_backtest_is_refused_by_name_and_what_is_not_there_as_well(
    desk: Desk, all_kinds: dict[str, str]
) -> None:
    assert find_backtest(desk, all_kinds["backtest"]).key == all_kinds["backtest"]
    with pytest.raises(UserError, match="is a portfolio, not a backtest") as caught:
        find_backtest(desk, all_kinds["portfolio"])
    assert caught.value.code == "NOT_A_BACKTEST"
    for ask in (find_stored, lambda desk, key: replay_stored(desk, key, loaders(desk))):
        with pytest.raises(UserError, match="UNKNOWN_RESULT"):
            ask(desk, "zz")


def test_a_backtest_of_an_earlier_version_gets_its_ladder(desk: Desk, all_kinds: dict[str, str]) -> None:
    known = desk.records.load(all_kinds["backtest"])
    assert known is not None
    assert known.ladder
    desk.records.remove(known.key)
    desk.records.save(replace(known, ladder=()))
    assert find_backtest(desk, known.key).ladder == known.ladder
