"""Carry out what a strategy sent, without the strategy: for results, replays, ladders and sweeps."""

import math
from typing import cast

import numpy as np

from tallow.core.engine.batch import Summary, read_summary
from tallow.core.engine.checks import Market, prepare
from tallow.core.engine.segments import Moments
from tallow.core.engine.state import STATE_SIZE
from tallow.core.engine.stretches import stretches_of
from tallow.core.orders.kernels import KERNELS, Logs, Tape
from tallow.core.orders.live import finish
from tallow.core.orders.session import Session
from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import UserError
from tallow.domain.fill_rules import PLAIN_TERMS, Terms
from tallow.domain.orders import OrderRun
from tallow.domain.scene import Execution
from tallow.domain.sent import Sent


def run_sent(
    bars: Bars | Market, sent: Sent, execution: Execution, *, cash: float, terms: Terms = PLAIN_TERMS
) -> OrderRun:
    """Carry out recorded messages and keep every mark, fill, trade and order.

    Example:
        >>> from tallow.domain.sent import sent_of
        >>> prices = np.array([100.0, 100.0, 110.0, 110.0])
        >>> bars = Bars.of(np.arange(4) * 60_000_000, (prices, prices, prices, prices, prices))
        >>> done = run_sent(bars, sent_of(np.array([1.0, 1.0, 0.0, 0.0])), Execution(taker_fee=0.0), cash=100.0)
        >>> float(done.run.equity[-1])
        110.0

    Raises:
        DataError: BAD_BARS.
        UserError: BAD_SETTING, TOO_MANY_ORDERS, BAD_RULES; TARGET_LENGTH when the messages were decided on other bars.
    """
    market, session, logs = _carried_out(bars, sent, execution, (cash, terms))
    return finish(session, market, logs, cash)


def summarize_sent(
    bars: Bars | Market,
    sent: Sent,
    execution: Execution,
    *,
    cash: float,
    periods_per_year: float,
    terms: Terms = PLAIN_TERMS,
) -> Summary:
    """Carry out recorded messages and keep scalars only, for sweeps."""
    market, session, logs = _carried_out(bars, sent, execution, (cash, terms))
    memory = np.array([*session.view[:STATE_SIZE], *_moments(logs, cash)])
    return read_summary(memory, len(market), cash, periods_per_year)


def _carried_out(
    bars: Bars | Market, sent: Sent, execution: Execution, given: tuple[float, Terms]
) -> tuple[Market, Session, Logs]:
    market, (cash, terms) = prepare(bars), given
    if len(sent) != len(market):
        raise UserError("TARGET_LENGTH", f"messages for {len(sent)} bars, {len(market)} bars")
    stretches = stretches_of(market.time, execution, terms.rules)
    session = Session(stretches[0].execution, terms.filling, cash)
    logs, whole = session.make_logs(len(market)), Tape(market.columns, market.time)
    messages = np.ascontiguousarray(sent.row, np.int64), np.ascontiguousarray(sent.message, np.float64)
    row = place = 0
    for stretch in stretches:
        tape, logs = session.enter(stretch, whole, logs)
        while row < stretch.stop:
            row, place = KERNELS.replay(session.rules, session.book, tape, logs, messages, (row, place))
            logs = session.drain(logs)
    return market, session, logs


def _moments(logs: Logs, cash: float) -> Moments:
    before = np.concatenate(([cash], logs.equity[:-1]))[: len(logs.equity)]
    peak = np.maximum.accumulate(np.maximum(logs.equity, cash))
    returns = _ratio(logs.equity, before)
    return Moments(
        peak=float(peak[-1]) if len(peak) else cash,
        drawdown=float(np.max(1.0 - logs.equity / peak, initial=0.0)),
        returns=math.fsum(returns),
        squares=math.fsum(returns * returns),
        exposed=float(np.count_nonzero(logs.position)),
    )


def _ratio(equity: Floats, before: Floats) -> Floats:
    return cast(Floats, np.where(before > 0.0, (equity - before) / np.where(before > 0.0, before, 1.0), 0.0))
