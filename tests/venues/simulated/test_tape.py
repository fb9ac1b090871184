import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tallow.venues.simulated import kernel, tape
from tallow.venues.simulated.tape import Tape, asset

NO_HALTS = np.zeros((0, 2), np.int64)


def make(seed=1, pair="BTC/USDT", rate=800.0):
    return Tape(seed, pair, asset(pair.split("/")[0]), rate, NO_HALTS)


def test_the_same_arguments_give_the_same_bytes_for_ever():
    # Written down once: a change of this digest is a change of every simulated market.
    digest = hashlib.sha256(make().minutes(3).tobytes() + make().trades(2).tobytes()).hexdigest()
    assert digest == "07ffd0d47a5d5706eaf6ee29ca261f7b56d88b10db776018cce14daac30eef67"


def test_days_may_be_asked_for_in_any_order():
    forward, backward = make(), make()
    trades = [forward.trades(day) for day in range(4)]
    for day in (3, 0, 2, 1):
        assert np.array_equal(backward.trades(day), trades[day])
    assert np.array_equal(forward.minutes(4), backward.minutes(4))
    assert make().minutes(0).shape == (0, 9)


def test_ids_go_on_from_day_to_day():
    source = make()
    firsts = [source.first_id(day) for day in range(5)]
    assert firsts[0] == 1
    assert np.diff(firsts).tolist() == [len(source.trades(day)) for day in range(4)]


@pytest.mark.parametrize(("rate", "pair"), [(500.0, "BTC/USDT"), (5_000.0, "BTC/USDT"), (5_000.0, "DOGE/USDT")])
def test_activity_is_what_was_asked_for(rate, pair):
    source = make(rate=rate, pair=pair)
    count = source.minutes(40)[:, kernel.COUNT].sum() / 40
    assert count == pytest.approx(rate * asset(pair.split("/")[0]).activity, rel=0.15)


def test_few_trades_are_kept_but_all_can_be_had(monkeypatch):
    source = make()
    first = source.trades(0).copy()
    monkeypatch.setattr(tape, "_KEPT_TRADES", 10)
    for day in range(3):
        source.trades(day)
    assert len(source._trades) == 1
    assert np.array_equal(source.trades(0), first)


def test_threads_see_one_market():
    source, alone = make(), make()
    with ThreadPoolExecutor(4) as pool:
        days = list(pool.map(source.trades, [3, 1, 2, 0, 3, 2]))
    for day, trades in zip([3, 1, 2, 0, 3, 2], days, strict=True):
        assert np.array_equal(trades, alone.trades(day))


def test_an_asset_nobody_listed_trades_too():
    assert asset("NEWCOIN") == asset("OTHERCOIN")
    assert make(pair="NEWCOIN/USDT").minutes(1)[:, kernel.COUNT].sum() > 50
