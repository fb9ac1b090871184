import numpy as np

from tallow.core.engine import state as states
from tallow.core.engine.state import State, flatten, initial_state, unflatten


def test_a_new_state_has_cash_and_nothing_else():
    state = initial_state(5.0)
    assert (state.cash, state.equity, state.holding.quantity, state.order.pending) == (5, 5, 0, 0)
    assert sum(state.totals) == 0


def test_a_state_survives_its_flat_form():
    numbers = np.arange(float(states.STATE_SIZE))
    state = unflatten(numbers)
    assert isinstance(state, State)
    assert flatten(state) == numbers.tolist()


def test_places_of_single_numbers():
    state = unflatten(np.arange(float(states.STATE_SIZE)))
    assert state.order.refused == states.REFUSED
    assert state.totals.events == states.EVENTS
