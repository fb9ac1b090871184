import pytest

from tallow.domain.timeframes import MINUTE, SECOND
from tallow.venues.binance.budget import Budget


def test_weight_within_the_limit_needs_no_waiting(clock):
    budget = Budget(clock, 10)
    for _ in range(5):
        budget.spend(2)
    assert (clock.slept, budget.used) == ([], 10)


def test_weight_beyond_the_limit_waits_for_the_next_minute(clock):
    budget = Budget(clock, 10)
    budget.spend(9)
    budget.spend(2)
    assert clock.slept == [40.25]  # the clock began 20 s into its minute
    assert budget.used == 2


def test_the_minute_is_the_venues_not_ours(clock):
    budget = Budget(clock, 10)
    budget.offset = 30 * SECOND
    budget.spend(10)
    budget.spend(1)
    assert clock.slept == [10.25]
    assert budget.server_now() % MINUTE == SECOND // 4


def test_the_venues_count_is_believed_when_it_is_higher(clock):
    budget = Budget(clock, 10)
    budget.spend(1)
    budget.observe(10)
    budget.observe(3)
    budget.spend(1)
    assert len(clock.slept) == 1


def test_one_request_above_the_whole_limit_still_goes_out(clock):
    budget = Budget(clock, 10)
    budget.spend(25)
    assert clock.slept == []


def test_a_block_holds_every_request_until_it_ends(clock):
    budget = Budget(clock, 10)
    budget.block(7)
    budget.block(3)
    assert budget.pause() == 7
    budget.spend(1)
    budget.spend(1)
    assert clock.slept == [7]
    assert budget.pause() == 0


@pytest.mark.parametrize("weights", [[3] * 40, [1, 9, 5, 5, 10, 2] * 5])
def test_no_minute_ever_holds_more_than_the_limit(clock, weights):
    budget = Budget(clock, 10)
    spent: dict[int, int] = {}
    for weight in weights:
        budget.spend(weight)
        minute = clock.now() // MINUTE
        spent[minute] = spent.get(minute, 0) + weight
        clock.time += 2 * SECOND
    assert max(spent.values()) <= 10
    assert sum(spent.values()) == sum(weights)
