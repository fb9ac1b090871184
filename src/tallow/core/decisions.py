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
from tallow.domain.fill_rules import PLAIN_TERMS, Terms
from tallow.domain.orders import OrderLog
from tallow.domain.results import Run
from tallow.domain.scene import Execution
from tallow.domain.sent import Decisions, Sent


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
    terms: Terms = PLAIN_TERMS,
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
        terms: rules of the venue, and of how its market fills orders.

    Raises:
        DataError: BAD_BARS, BAD_FUNDING.
        UserError: TARGET_TOO_LARGE, SHORT_NOT_ALLOWED; BAD_SETTING for orders that are to fill at the deciding close;
            TOO_MANY_ORDERS, BAD_RULES.
    """
    market = prepare(bars, funding)
    try:
        return run_path(market, asked[0], execution, cash=cash, rules=terms.rules).target
    except Handover as handover:
        first = handover
    if not asked[1].began:
        raise refused_target(np.inf, execution, first.row, int(market.time[first.row]))
    from tallow.core.orders.record import record

    return record(market, asked, first, execution, cash=cash, terms=terms)


def carry_out(
    bars: Bars | Market,
    decisions: Decisions,
    execution: Execution,
    *,
    cash: float,
    funding: FundingRates | None = None,
    terms: Terms = PLAIN_TERMS,
) -> Outcome:
    """Carry out decisions on bars and keep every mark, fill and trade.

    Raises:
        DataError: BAD_BARS, BAD_FUNDING.
        UserError: TARGET_TOO_LARGE, SHORT_NOT_ALLOWED, TARGET_LENGTH, TOO_MANY_ORDERS, BAD_SETTING, BAD_RULES.
    """
    if not isinstance(decisions, Sent):
        return Outcome(run(bars, decisions, execution, cash=cash, funding=funding, rules=terms.rules), None)
    from tallow.core.orders.replay import run_sent

    done = run_sent(prepare(bars, funding), decisions, execution, cash=cash, terms=terms)
    return Outcome(done.run, done.orders)


def measure(
    market: Market,
    decisions: Decisions,
    execution: Execution,
    *,
    cash: float,
    periods_per_year: float,
    terms: Terms = PLAIN_TERMS,
) -> Summary:
    """Carry out decisions on prepared bars and keep scalars only.

    Raises:
        UserError: TARGET_TOO_LARGE, SHORT_NOT_ALLOWED, TARGET_LENGTH, TOO_MANY_ORDERS, BAD_SETTING, BAD_RULES.
    """
    if not isinstance(decisions, Sent):
        stretches = stretches_of(market.time, execution, terms.rules)
        return summarize_stretches(market, decisions, stretches, cash=cash, periods_per_year=periods_per_year)
    from tallow.core.orders.replay import summarize_sent

    return summarize_sent(market, decisions, execution, cash=cash, periods_per_year=periods_per_year, terms=terms)
