from tallow.core.engine.state import EVENTS, STATE_SIZE, State
from tallow.core.orders import state
from tallow.domain import orders as words
from tallow.domain.orders import FillRules
from tallow.domain.scene import Execution


def test_numbers_and_words_agree():
    kinds = ("MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TAKE_PROFIT", "TRAILING_STOP", "TO_TARGET")
    assert [getattr(state, name) for name in kinds] == list(range(len(words.KINDS)))
    for names, known in (("WORKING PART_FILLED COMPLETE CANCELLED EXPIRED REJECTED", words.STATES),
                         ("GTC IOC FOK POST_ONLY", words.VALIDITIES)):  # fmt: skip
        assert [getattr(state, name) for name in names.split()] == list(range(len(known)))
    for word in ("asked", "other_filled", "parent_ended", "position_closed", "nothing_to_reduce", "not_filled_at_once",
                 "would_take", "too_small", "below_minimum", "insufficient_funds", "short_not_allowed",
                 "target_too_large", "invalid", "replaced"):  # fmt: skip
        assert words.REASONS[int(getattr(state, word.upper()))] == word


def test_places_in_the_flat_desk_are_those_of_the_engine():
    assert (state.M_EVENTS, state.M_WORKING) == (EVENTS, STATE_SIZE)
    memory = state.empty_memory(7.0)
    assert (len(memory), memory[state.M_CASH], memory[state.M_EQUITY], memory[state.M_NEXT_ID]) == (
        state.MEMORY_SIZE, 7, 7, 1,
    )  # fmt: skip
    assert len(State._fields) + len(state.Desk._fields) - 1 < state.DESK_SIZE


def test_rules_are_numbers():
    assert state.make_rules(Execution(), FillRules()).participation == float("inf")
    assert state.make_rules(Execution(), FillRules(0.1, True))[1:] == (0.1, 1.0)
