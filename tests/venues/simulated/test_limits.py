from tallow.domain.timeframes import MINUTE, SECOND
from tallow.venues.simulated.limits import Limiter


def test_weight_adds_up_within_a_minute_and_starts_anew(clock):
    limiter = Limiter(10, clock)
    assert [limiter.admit(4) for _ in range(2)] == [(200, 0, 4), (200, 0, 8)]
    clock.time += MINUTE
    assert limiter.admit(4) == (200, 0, 4)
    assert limiter.peak == 8


def test_too_much_weight_is_told_how_long_to_wait(clock):
    limiter = Limiter(10, clock)
    limiter.admit(9)
    assert limiter.admit(9) == (429, 40, 18)
    clock.time += 40 * SECOND
    assert limiter.admit(9) == (200, 0, 9)
    assert (limiter.violations, limiter.bans) == (0, 0)


def test_who_does_not_wait_is_banned(clock):
    limiter = Limiter(10, clock)
    limiter.block(5)
    clock.time += 4 * SECOND
    assert limiter.admit(1)[:2] == (418, 120)
    assert (limiter.violations, limiter.bans) == (1, 1)
    clock.time += 120 * SECOND
    assert limiter.admit(1)[0] == 200


def test_without_a_clock_nothing_is_limited():
    limiter = Limiter(10, None)
    limiter.block(100)
    assert [limiter.admit(50) for _ in range(3)] == [(200, 0, 50)] * 3
    assert limiter.peak == 0
