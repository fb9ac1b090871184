from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.core.portfolio import Calendar
from tallow.domain.errors import TerminalError
from tallow.domain.scene import Execution, Scene
from tallow.flows.backtest import Desk
from tallow.flows.portfolio import Book, open_portfolio, portfolio, replay_portfolio
from tallow.flows.portfolio.filing import file_of


def test_a_repeated_run_is_a_hit_that_decides_nothing(
    desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book], rising: Any
) -> None:
    weights = rising()
    first = portfolio(book(weights), pair, desk)
    made = len(weights.calls)
    again = portfolio(book(weights), pair, desk)
    assert len(weights.calls) == made
    assert (again.key, again.digest, again.score, again.ladder) == (first.key, first.digest, first.score, first.ladder)
    assert again.run.digest() == first.digest
    assert again.instruments == first.instruments
    assert np.array_equal(again.run.weights, first.run.weights)
    assert portfolio(book(weights), pair, desk, cache=False).digest == first.digest
    assert len(weights.calls) > made


@pytest.mark.parametrize(
    "change", ["source", "parameters", "cash", "execution", "rebalance", "margin", "leverage", "order"]
)
def test_any_other_portfolio_is_a_miss(
    desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book], rising: Any, change: str
) -> None:
    first = portfolio(book(), pair, desk, check=False)
    weights, scenes, rules = rising(), pair, {}
    if change == "source":
        weights = replace(weights, source="other words")
    elif change == "parameters":
        weights = replace(weights, parameters={"window": 6})
    elif change == "order":
        scenes = pair[::-1]
    elif change in ("cash", "execution"):
        value = 5_000.0 if change == "cash" else Execution(taker_fee=0.002)
        scenes = tuple(replace(one, **{change: value}) for one in pair)
    else:
        rules = {"rebalance": {"rebalance": Calendar("daily")}, "margin": {"margin": "cross"}}.get(
            change, {"leverage": 0.9}
        )
    second = portfolio(book(weights, **rules), scenes, desk, check=False)
    assert second.key != first.key
    assert weights.calls
    assert len(desk.records.list()) == 2


def test_a_certificate_is_added_to_a_stored_portfolio_without_running_it_again(
    desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book]
) -> None:
    first = portfolio(book(), pair, desk, check=False)
    assert first.certificate is None
    proven = portfolio(book(), pair, desk)
    assert proven.certificate is not None
    assert (proven.key, proven.created, proven.digest) == (first.key, first.created, first.digest)
    found = desk.records.filed(first.key)
    assert found is not None
    assert found.verdict == "certified"


def test_a_replay_gives_every_bit_and_tells_what_differs(
    desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book], rising: Any
) -> None:
    done = portfolio(book(rebalance=Calendar("daily"), margin="cross"), pair, desk, check=False)
    found = desk.records.filed(done.key)
    assert found is not None
    same = replay_portfolio(found, lambda name, text, values: replace(rising(), parameters=dict(values)), desk)
    assert same.equal
    assert (same.differences, same.stored_digest) == ((), done.digest)
    other = replay_portfolio(found, lambda name, text, values: replace(rising(), parameters={"window": 9}), desk)
    assert not other.equal
    older = replace(found, body={**found.body, "engine_version": "0", "metrics": {"return_pct": 77.0}})
    told = replay_portfolio(older, _loaded(rising), desk).differences
    assert any(line.startswith("return_pct: stored 77.0, now ") for line in told)
    assert any("engine: stored version 0" in line for line in told)
    moved = [{**one, "data_digest": "00"} for one in found.body["instruments"]]
    assert "data of BTC/USDT: stored 00" in str(
        replay_portfolio(replace(found, body={**found.body, "instruments": moved}), _loaded(rising), desk).differences
    )


def _loaded(rising: Any) -> Callable[..., Any]:
    return lambda name, text, values: replace(rising(), parameters=dict(values))


def test_what_was_filed_is_read_back_whole(desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book]) -> None:
    done = portfolio(book(), pair, desk)
    found = desk.records.filed(done.key[:10])
    assert found is not None
    again = open_portfolio(found, desk)
    assert replace(again, run=done.run) == done
    assert file_of(again).arrays_digest() == found.arrays_digest()


def test_numbers_that_do_not_give_the_digest_are_refused(
    desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book]
) -> None:
    done = portfolio(book(), pair, desk, check=False)
    found = file_of(done)
    bent = replace(found, arrays={**found.arrays, "equity": found.arrays["equity"] + 1.0})
    with pytest.raises(TerminalError, match="DAMAGED_RESULT"):
        open_portfolio(bent, desk)
