"""What became of the orders: how many of each kind ended how, and why."""

from collections import Counter

from tallow.domain.orders import KINDS, REASONS, STATES, OrderLog
from tallow.domain.results import Result
from tallow.flows.report import figures
from tallow.flows.report.markup import Markup
from tallow.flows.report.tables import Column, table

_COLUMNS = (
    Column("Kind", "What was sent; a target is a market order sized when it fills", is_text=True),
    Column("End", "What became of it by the last bar", is_text=True),
    Column("Why", "What ended it, where that was not its own fill", is_text=True),
    Column("Orders", "How many"),
)


def order_counts(log: OrderLog) -> dict[tuple[str, str, str], int]:
    """Count the orders by kind, end and reason, in the order of the vocabulary."""
    rows = zip(log.kind.tolist(), log.state.tolist(), log.reason.tolist(), strict=True)
    counted = sorted(Counter(rows).items())
    return {(KINDS[kind], STATES[state], REASONS[reason]): count for (kind, state, reason), count in counted}


def order_states(log: OrderLog | None) -> dict[str, int] | None:
    """Count the orders by end; None for a strategy that sets targets."""
    if log is None:
        return None
    return {name: int((log.state == place).sum()) for place, name in enumerate(STATES)}


def order_table(result: Result) -> Markup | None:
    """Show the counts; nothing for a strategy that sets targets."""
    if result.orders is None:
        return None
    counted = order_counts(result.orders).items()
    rows = [
        (kind.replace("_", " "), state.replace("_", " "), reason.replace("_", " ") or figures.DASH, f"{count:,}")
        for (kind, state, reason), count in counted
    ]
    return table("Orders by kind and end", _COLUMNS, rows, identifier="order-rows")


def plain_orders(result: Result) -> list[tuple[str, str]]:
    """Give a row for each end of orders, with its reasons."""
    if result.orders is None:
        return []
    ends: dict[str, Counter[str]] = {}
    for (_, state, reason), count in order_counts(result.orders).items():
        ends.setdefault(state, Counter())[reason] += count
    return [(state.replace("_", " "), _with_reasons(counts)) for state, counts in ends.items()]


def _with_reasons(counts: "Counter[str]") -> str:
    why = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in counts.items() if reason)
    return f"{counts.total():,}" + (f"  ({why})" if why else "")
