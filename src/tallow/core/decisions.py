"""Decisions of any form: taken by a strategy at every close, and carried out by the engine that is made for them.

Targets go to the target engine. What was sent as orders goes to the order engine, which is loaded when it is needed.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tallow.core.engine import Market, Summary, prepare, run, run_path
from tallow.core.engine.batch import summarize_stretches
from tallow.core.engine.checks import refused_target
from tallow.core.engine.live import Handover
from tallow.core.engine.stretches import stretches_of
from tallow.core.strategies.outbox import Outbox
from tallow.domain.columns import Bars, Floats, FundingRates
from tallow.domain.orders import OrderLog
from tallow.domain.results import Run
from tallow.domain.scene import Execution
from tallow.domain.sent import Decisions, Sent
from tallow.domain.venue_rules import RuleBook, rules_not_followed


class Outcome(NamedTuple):
    """A run, and what became of every order; None where decisions were targets."""

    run: Run
    orders: OrderLog | None


def decide_all(
    bars: Bars | Market,
    asked: tuple[Callable[[int, Any], float], Outbox],
    execution: Execution,
    *,
    cash: float,
    funding: FundingRates | None = None,
    rules: RuleBook | None = None,
) -> Floats | Sent:
    """Ask a strategy at every close and give what it decided.

    It runs to targets until it sends its first order; from that close on the order engine has its account. What never
    sends an order never meets the order engine.

    Args:
        bars: candles, or what `prepare` made of them.
        asked: the strategy as `decider` gives it, and its outbox.
        execution: fills and costs.
        cash: starting balance in quote units.
        funding: rates that longs pay to shorts.
        rules: of the venue, as they changed.

    Raises:
        DataError: BAD_BARS, BAD_FUNDING.
        UserError: TARGET_TOO_LARGE, SHORT_NOT_ALLOWED; BAD_SETTING for orders that are to fill at the deciding close;
            TOO_MANY_ORDERS; RULES_NOT_FOLLOWED for orders under rules that change, or under margin tiers.
    """
    market = prepare(bars, funding)
    try:
        return run_path(market, asked[0], execution, cash=cash, rules=rules).target
    except Handover as handover:
        first = handover
    if not asked[1].began:
        raise refused_target(np.inf, execution, first.row, int(market.time[first.row]))
    if rules is not None or execution.tiers:
        raise rules_not_followed("a strategy that sends orders")
    from tallow.core.orders.record import record

    return record(market, asked, first, execution, cash=cash)


def carry_out(
    bars: Bars | Market,
    decisions: Decisions,
    execution: Execution,
    *,
    cash: float,
    funding: FundingRates | None = None,
    rules: RuleBook | None = None,
) -> Outcome:
    """Carry out decisions on bars and keep every mark, fill and trade.

    Raises:
        DataError: BAD_BARS, BAD_FUNDING.
        UserError: TARGET_TOO_LARGE, SHORT_NOT_ALLOWED, TARGET_LENGTH, TOO_MANY_ORDERS, BAD_SETTING, BAD_RULES;
            RULES_NOT_FOLLOWED for orders under rules that change, or under margin tiers.
    """
    if not isinstance(decisions, Sent):
        return Outcome(run(bars, decisions, execution, cash=cash, funding=funding, rules=rules), None)
    if rules is not None or execution.tiers:
        raise rules_not_followed("a strategy that sends orders")
    from tallow.core.orders.replay import run_sent

    done = run_sent(prepare(bars, funding), decisions, execution, cash=cash)
    return Outcome(done.run, done.orders)


def measure(
    market: Market,
    decisions: Decisions,
    execution: Execution,
    *,
    cash: float,
    periods_per_year: float,
    rules: RuleBook | None = None,
) -> Summary:
    """Carry out decisions on prepared bars and keep scalars only.

    Raises:
        UserError: TARGET_TOO_LARGE, SHORT_NOT_ALLOWED, TARGET_LENGTH, TOO_MANY_ORDERS, BAD_SETTING, BAD_RULES;
            RULES_NOT_FOLLOWED for orders under rules that change, or under margin tiers.
    """
    if not isinstance(decisions, Sent):
        stretches = stretches_of(market.time, execution, rules)
        return summarize_stretches(market, decisions, stretches, cash=cash, periods_per_year=periods_per_year)
    if rules is not None or execution.tiers:
        raise rules_not_followed("a strategy that sends orders")
    from tallow.core.orders.replay import summarize_sent

    return summarize_sent(market, decisions, execution, cash=cash, periods_per_year=periods_per_year)
