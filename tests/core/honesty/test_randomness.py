import numpy as np
import pytest
from scipy import stats

from tallow.core.honesty.randomness import advance, mixed, shuffle, stream, uniform


def draw(seed, number, count):
    counter, found = stream(seed, number), []
    for _ in range(count):
        counter = advance(np.uint64(counter))
        found.append(uniform(np.uint64(counter)))
    return np.array(found)


def mixed_by_hand(counter):
    bits, whole = counter, 2**64
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9 % whole
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB % whole
    return bits ^ (bits >> 31)


def test_the_first_numbers_are_those_of_the_published_generator():
    # SplitMix64 from seed 1234567, as its authors print them.
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    counter, found = np.uint64(1234567), []
    for _ in expected:
        counter = np.uint64(advance(counter))
        found.append(int(mixed(counter)))
    assert found == expected


@pytest.mark.parametrize("counter", [0, 1, 2**32, 2**64 - 1])
def test_mixing_is_exact_in_64_bits(counter):
    assert int(mixed(np.uint64(counter))) == mixed_by_hand(counter)


def test_numbers_are_even_and_streams_unrelated():
    rows = np.array([draw(seed, number, 500) for seed in (0, 1) for number in range(8)])
    assert ((rows >= 0) & (rows < 1)).all()
    assert stats.kstest(rows.ravel(), "uniform").pvalue > 0.001
    assert np.abs(np.corrcoef(rows)[~np.eye(len(rows), dtype=bool)]).max() < 0.2


def test_every_order_is_as_likely():
    seen = {}
    for number in range(6_000):
        values = np.arange(3)
        shuffle(values, np.uint64(stream(3, number)))
        seen[tuple(values)] = seen.get(tuple(values), 0) + 1
    assert len(seen) == 6
    assert stats.chisquare(list(seen.values())).pvalue > 0.001


def test_nothing_to_shuffle_is_left_alone():
    for values in (np.zeros(0, np.int64), np.array([7])):
        shuffle(values, np.uint64(5))
        assert values.tolist() in ([], [7])
