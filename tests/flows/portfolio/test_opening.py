from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallow.core.portfolio import Calendar
from tallow.domain.errors import UserError
from tallow.domain.ranges import TimeRange
from tallow.domain.scene import Execution, Scene
from tallow.domain.timeframes import HOUR, parse_timeframe
from tallow.flows.backtest import Desk
from tallow.flows.holdout import seal
from tallow.flows.portfolio import Book, open_holdouts, portfolio
from tallow.flows.seals import holdout_of

START = 1_704_067_200_000_000
CUT = START + 100 * HOUR
LATER = START + 120 * HOUR


@pytest.fixture
def sealed(desk: Desk, pair: tuple[Scene, ...]) -> tuple[Scene, ...]:
    """Bitcoin is sealed from the hundredth hour on, Ether from twenty hours later."""
    for scene, start in zip(pair, (CUT, LATER), strict=True):
        seal(scene.instrument, scene.timeframe, start, desk)
    return pair


def test_a_version_looks_once_from_the_last_seal_on(
    desk: Desk, sealed: tuple[Scene, ...], book: Callable[..., Book], rising: Any
) -> None:
    built: list[str] = []
    first = open_holdouts(book(), sealed, desk, lambda one: built.append(str(one.instrument)), check=False)
    assert (first.again, [one.versions for one in first.holdouts]) == (False, [1, 1])
    assert built == ["binance:BTC/USDT", "binance:ETH/USDT"]
    assert first.result.run.time.tolist() == [LATER + hour * HOUR for hour in range(80)]
    assert "HOLDOUT opened by 1 version" in first.result.notes
    looks = desk.records.openings()
    assert [(one.instrument, one.start, one.key) for one in looks] == [
        ("binance:BTC/USDT", CUT, first.result.key), ("binance:ETH/USDT", LATER, first.result.key),
    ]  # fmt: skip
    assert looks[0].strategy == "rising(window=5) 1h, portfolio of 2 from 2024-01-06"
    # Neither other costs, nor another range, nor another order is a reason for a second look.
    other = [
        replace(one, execution=Execution(taker_fee=0.0), range=TimeRange(CUT, CUT + HOUR)) for one in reversed(sealed)
    ]
    weights = rising()
    again = open_holdouts(replace(book(weights), symbols=["ETH/USDT", "BTC/USDT"]), other, desk, check=False)
    assert (again.again, again.result.key, again.result.digest) == (True, first.result.key, first.result.digest)
    assert (weights.calls, len(desk.records.openings())) == ([], 2)


@pytest.mark.parametrize("change", ["source", "parameters", "rebalance", "margin", "symbols", "timeframe"])
def test_another_version_is_allowed_counted_and_shown(
    desk: Desk, sealed: tuple[Scene, ...], book: Callable[..., Book], rising: Any, change: str
) -> None:
    open_holdouts(book(), sealed, desk, check=False)
    asked, scenes = book(), sealed
    if change == "source":
        asked = book(rising(source="other words"))
    elif change == "parameters":
        asked = book(rising(parameters={"window": 7}))
        scenes = tuple(replace(one, parameters={"window": 7}) for one in sealed)
    elif change == "rebalance":
        asked = book(rebalance=Calendar("daily"))
    elif change == "margin":
        asked = book(margin="cross")
    elif change == "symbols":
        asked, scenes = Book(["BTC/USDT"], rising()), sealed[:1]
    else:
        scenes = tuple(replace(one, timeframe=parse_timeframe("2h")) for one in sealed)
        with pytest.raises(UserError, match="NO_DATA"):
            open_holdouts(asked, scenes, desk, check=False)
        # Nothing to look at: no look.
        assert len(desk.records.openings()) == 2
        return
    second = open_holdouts(asked, scenes, desk, check=False)
    assert not second.again
    assert second.holdouts[0].words == "opened by 2 versions: it is no longer a holdout"


def test_a_look_that_was_interrupted_is_a_look(
    desk: Desk, sealed: tuple[Scene, ...], book: Callable[..., Book], rising: Any
) -> None:
    class Dying(rising):  # type: ignore[misc]
        def weigh(self, bars: Any, timeframe: Any) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_holdouts(book(Dying()), sealed, desk, check=False)
    found = holdout_of(desk.records, sealed[0].instrument)
    assert found is not None
    assert (found.versions, found.interrupted) == (1, 1)
    done = open_holdouts(book(), sealed, desk, check=False)
    assert (done.again, done.holdouts[0].interrupted, len(done.holdouts[1].openings)) == (True, 1, 2)
    assert open_holdouts(book(), sealed, desk, check=False).result.digest == done.result.digest


def test_every_instrument_must_be_sealed(desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book]) -> None:
    seal(pair[0].instrument, pair[0].timeframe, CUT, desk)
    with pytest.raises(UserError, match="nothing of binance:ETH/USDT is sealed") as caught:
        open_holdouts(book(), pair, desk, check=False)
    assert caught.value.code == "NOT_SEALED"
    assert caught.value.commands == ("tallow holdout seal -s binance:ETH/USDT -t 1h --from DATE",)
    assert desk.records.openings() == ()
    with pytest.raises(UserError, match="more than once"):
        open_holdouts(book(), (pair[0], pair[0]), desk, check=False)
    with pytest.raises(UserError, match="NO_INSTRUMENTS"):
        open_holdouts(book(), (), desk, check=False)


def test_what_was_opened_is_sealed_for_everything_else(
    desk: Desk, sealed: tuple[Scene, ...], book: Callable[..., Book]
) -> None:
    opened = open_holdouts(book(), sealed, desk)
    assert opened.result.certificate is not None
    assert opened.result.certificate.verdict == "certified"
    inside = tuple(replace(one, range=opened.result.scene.range) for one in sealed)
    with pytest.raises(UserError, match="SEALED"):
        portfolio(book(), inside, desk, check=False)
    assert np.isfinite(opened.result.run.equity).all()
