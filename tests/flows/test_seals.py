from dataclasses import replace

import pytest

from tallow.domain.errors import UserError
from tallow.domain.holdout import Opening, Seal
from tallow.domain.market import parse_symbol
from tallow.domain.ranges import EVERYTHING, TimeRange
from tallow.domain.scene import Scene
from tallow.domain.timeframes import HOUR, parse_timeframe
from tallow.flows.backtest import Desk, backtest
from tallow.flows.seals import before_seal, holdout_of, holdouts, refuse_sealed, seal_notes, seal_of
from tallow.ports import Records, Strategy

START = 1_704_067_200_000_000
BTC, ETH = parse_symbol("BTC/USDT"), parse_symbol("ETH/USDT")
CUT = START + 100 * HOUR


@pytest.fixture
def sealed(desk: Desk) -> Records:
    desk.records.seal(Seal("binance:BTC/USDT", "1h", CUT, START))
    return desk.records


def test_nothing_sealed_refuses_nothing(desk: Desk, scene: Scene) -> None:
    refuse_sealed(desk.records, scene)
    assert holdouts(desk.records) == ()
    assert holdout_of(desk.records, BTC) is None
    assert seal_of(desk.records, BTC) is None
    assert before_seal(desk.records, BTC, scene.timeframe, EVERYTHING) == EVERYTHING
    assert seal_notes(desk.records, scene) == ()


@pytest.mark.parametrize("span", [EVERYTHING, TimeRange(START, CUT + 1), TimeRange(CUT, CUT + HOUR)])
def test_whatever_reaches_into_it_is_refused(
    desk: Desk, sealed: Records, scene: Scene, hold: type[Strategy], span: TimeRange
) -> None:
    with pytest.raises(UserError, match="sealed holdout from 2024-01-05") as caught:
        backtest(replace(scene, range=span), hold(), desk)
    error = caught.value
    assert (error.code, error.exit_code) == ("SEALED", 5)
    assert error.commands[0].endswith("..2024-01-05T04:00Z")
    assert error.commands[1] == "tallow holdout open hold -s binance:BTC/USDT -t 1h"
    assert desk.evaluate.calls == 0  # type: ignore[attr-defined]


def test_up_to_the_seal_and_on_other_instruments_all_is_free(
    desk: Desk, sealed: Records, scene: Scene, hold: type[Strategy]
) -> None:
    result = backtest(replace(scene, range=TimeRange(START, CUT)), hold(), desk)
    assert len(result.run.equity) == 100
    assert "HOLDOUT the range ends at 2024-01-05T04:00Z: what follows is sealed" in result.notes
    refuse_sealed(sealed, replace(scene, instrument=ETH))
    assert seal_notes(sealed, replace(scene, range=TimeRange(START, START + HOUR))) == ()


def test_longer_candles_end_before_the_seal_too(sealed: Records, scene: Scene) -> None:
    day = parse_timeframe("1d")
    span = before_seal(sealed, BTC, day, EVERYTHING)
    assert span == TimeRange(EVERYTHING.start, START + 96 * HOUR)
    refuse_sealed(sealed, replace(scene, timeframe=day, range=span))
    with pytest.raises(UserError, match="SEALED"):
        refuse_sealed(sealed, replace(scene, timeframe=day, range=TimeRange(START, CUT)))


def test_only_an_open_end_is_moved(sealed: Records, scene: Scene) -> None:
    given = TimeRange(START, CUT + HOUR)
    assert before_seal(sealed, BTC, scene.timeframe, given) == given
    inside = TimeRange(CUT + HOUR, EVERYTHING.end)
    assert before_seal(sealed, BTC, scene.timeframe, inside) == inside
    assert before_seal(sealed, BTC, scene.timeframe, TimeRange(START, EVERYTHING.end)) == TimeRange(START, CUT)


def test_the_earliest_seal_is_in_force_and_every_look_counts(sealed: Records) -> None:
    sealed.seal(Seal("binance:BTC/USDT", "1h", CUT - HOUR, START))
    sealed.seal(Seal("binance:BTC/USDT", "1h", CUT + HOUR, START))
    found = holdout_of(sealed, BTC)
    assert found is not None
    assert found.seal.start == CUT - HOUR
    assert found.words == "sealed: nothing has looked at it"
    sealed.begin_opening(Opening("binance:BTC/USDT", CUT, "a", "x", 0))
    sealed.begin_opening(Opening("binance:BTC/USDT", CUT, "a", "x", 0, "k"))
    sealed.begin_opening(Opening("binance:ETH/USDT", CUT, "z", "x", 0))
    one = holdout_of(sealed, BTC)
    assert one is not None
    assert (one.versions, one.interrupted, one.words) == (1, 1, "opened by 1 version")
    sealed.begin_opening(Opening("binance:BTC/USDT", CUT, "b", "y", 0))
    assert holdouts(sealed)[0].words == "opened by 2 versions: it is no longer a holdout"
