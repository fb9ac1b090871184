import math

import numpy as np
import pytest

from tallow.venues.simulated import kernel


def fresh(seed=12_345):
    state, whole = np.zeros(kernel.STATE_SIZE), np.zeros(kernel.WHOLE_SIZE, np.int64)
    state[kernel.FAIR] = 6_000_000.0
    whole[kernel.RANDOM], whole[kernel.SIDE], whole[kernel.NEXT_ID] = seed, 1, 1
    return state, whole


PARAMETERS = np.array([2.0, 7e-4, 40.0, 0.05, 0.004])
NO_HALTS = np.zeros((0, 2), np.int64)


def day(carried, number=0, halts=NO_HALTS, rows=0, seed=7):
    trades = np.zeros((rows, 4), np.int64)
    return kernel.simulate_day(number, seed, PARAMETERS, carried, halts, trades), trades


@pytest.mark.parametrize("x", [-7.5, -1.0, -1e-9, 0.0, 0.3, 2.0, 7.5])
def test_the_exponential_function(x):
    assert kernel.exp(x) == pytest.approx(math.exp(x), rel=1e-9)


@pytest.mark.parametrize("u", [1.0, 0.999999, 0.7071, 0.5, 0.1, 1e-5, 2.0**-53])
def test_the_logarithm(u):
    assert kernel.exponential(u) == pytest.approx(-math.log(u), rel=1e-9, abs=1e-15)


def test_random_bits_are_those_of_splitmix():
    # First outputs of SplitMix64 for seed 0, from its reference implementation.
    _, whole = fresh(0)
    got = [int(kernel.draw(whole)) & (2**64 - 1) for _ in range(2)]
    assert got == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


def test_uniforms_and_normals_are_distributed_as_named():
    _, whole = fresh()
    uniforms = np.array([kernel.uniform(np.uint64(kernel.draw(whole))) for _ in range(5_000)])
    normals = np.array([kernel.own_normal(whole) for _ in range(5_000)])
    assert uniforms.min() > 0
    assert uniforms.max() <= 1
    assert abs(uniforms.mean() - 0.5) < 0.02
    assert abs(normals.mean()) < 0.06
    assert abs(normals.std() - 1) < 0.05
    assert kernel.uniform(np.uint64(2**64 - 1)) == 1.0


def test_common_numbers_depend_on_nothing_but_seed_stream_and_place():
    def number(seed, stream, place):
        return kernel.common_normal(np.uint64(seed), stream, place)

    assert number(7, 1, 5) == number(7, 1, 5)
    assert len({number(7, 1, 5), number(8, 1, 5), number(7, 2, 5), number(7, 1, 6)}) == 4


def test_minutes_are_the_aggregation_of_the_recorded_trades():
    minutes, _ = day(fresh())
    count = int(minutes[:, kernel.COUNT].sum())
    again, trades = day(fresh(), rows=count)
    assert np.array_equal(minutes, again)
    assert (np.diff(trades[:, kernel.TRADE_TIME]) >= 0).all()
    assert trades[-1, kernel.TRADE_LOTS] > 0
    for minute in np.flatnonzero(minutes[:, kernel.COUNT]):
        own = trades[trades[:, kernel.TRADE_TIME] // 60_000 == minute]
        ticks, lots = own[:, kernel.TRADE_TICKS], own[:, kernel.TRADE_LOTS]
        bought = own[:, kernel.TRADE_BUYER_IS_MAKER] == 0
        assert minutes[minute].tolist() == [
            ticks[0],
            ticks.max(),
            ticks.min(),
            ticks[-1],
            len(own),
            lots.sum(),
            (ticks * lots).sum(),
            lots[bought].sum(),
            (ticks * lots)[bought].sum(),
        ]


def test_recording_does_not_change_what_follows():
    plain, recorded = fresh(), fresh()
    day(plain)
    day(recorded, rows=10_000)
    assert np.array_equal(plain[0], recorded[0])
    assert np.array_equal(plain[1], recorded[1])
    assert np.array_equal(day(plain, 1)[0], day(recorded, 1)[0])


def test_no_trade_happens_in_a_halt():
    halts = np.array([[3_600_000, 7_200_000], [7_300_000, 7_300_500]], np.int64)
    minutes, trades = day(fresh(), halts=halts, rows=10_000)
    times = trades[trades[:, kernel.TRADE_LOTS] > 0, kernel.TRADE_TIME]
    for start, end in halts:
        assert not ((times >= start) & (times < end)).any()
    assert minutes[60:120, kernel.COUNT].sum() == 0
    assert minutes[120:, kernel.COUNT].sum() > 0


def test_seeds_are_different_markets():
    assert not np.array_equal(day(fresh())[0], day(fresh(), seed=8)[0])
    assert not np.array_equal(day(fresh())[0], day(fresh(54_321))[0])
