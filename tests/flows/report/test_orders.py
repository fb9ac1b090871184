import numpy as np

from tallow.core.decisions import carry_out
from tallow.domain.columns import Bars
from tallow.domain.scene import Execution
from tallow.domain.sent import sent_of
from tallow.flows.report.orders import order_counts, order_states, order_table, plain_orders


def log_of(targets):
    price = np.full(len(targets), 100.0)
    bars = Bars.of(np.arange(len(targets)) * 60_000_000, (price, price, price, price, price))
    return carry_out(bars, sent_of(np.array(targets)), Execution(), cash=1_000.0).orders


def test_orders_are_counted_by_kind_end_and_reason():
    log = log_of([1.0, 0.0, -1.0, 0.5])
    assert order_counts(log) == {
        ("target", "working", ""): 1,
        ("target", "filled", ""): 2,
        ("target", "rejected", "short_not_allowed"): 1,
    }
    assert order_states(log) == {
        "working": 1, "part_filled": 0, "filled": 2, "cancelled": 0, "expired": 0, "rejected": 1,
    }  # fmt: skip
    assert order_states(None) is None


class Shown:
    def __init__(self, orders):
        self.orders = orders


def test_they_are_shown_on_the_page_and_in_the_terminal():
    shown = Shown(log_of([1.0, 0.0, -1.0]))
    page = str(order_table(shown))
    assert "short not allowed" in page
    assert "filled" in page
    assert plain_orders(shown) == [("filled", "2"), ("rejected", "1  (1 short not allowed)")]


def test_a_strategy_that_sets_targets_has_no_table():
    assert order_table(Shown(None)) is None
    assert plain_orders(Shown(None)) == []
