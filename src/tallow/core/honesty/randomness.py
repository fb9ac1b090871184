"""Random numbers for compiled code: a counter and a mixing function, so that a seed gives the same numbers everywhere.

The numbers of one resample depend on the seed and its own number only: they are the same in any order, in any number
of pieces. SplitMix64 (G. Steele, D. Lea and C. Flood, 2014).
"""

import numpy as np

from tallow.core.indicators.compiled import compiled
from tallow.domain.columns import Times


@compiled
def mixed(counter: np.uint64) -> np.uint64:  # pragma: no cover
    """Mix 64 bits so that neighbouring counters give unrelated numbers."""
    bits = counter
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@compiled
def stream(seed: int, number: int) -> np.uint64:  # pragma: no cover
    """Give the counter from which resample `number` of a seed starts."""
    return mixed(mixed(np.uint64(seed)) + np.uint64(number))


@compiled
def advance(counter: np.uint64) -> np.uint64:  # pragma: no cover
    """Give the next counter; `uniform` of it is the next number."""
    return counter + np.uint64(0x9E3779B97F4A7C15)


@compiled
def uniform(counter: np.uint64) -> float:  # pragma: no cover
    """Give the number of a counter: at least 0, below 1, in steps of 2^-53."""
    return float(mixed(counter) >> np.uint64(11)) * 2.0**-53


@compiled
def shuffle(values: Times, counter: np.uint64) -> np.uint64:  # pragma: no cover
    """Bring the values into random order, in place; give the counter after it."""
    for last in range(len(values) - 1, 0, -1):
        counter = advance(counter)
        other = int(uniform(counter) * (last + 1))
        values[last], values[other] = values[other], values[last]
    return counter
