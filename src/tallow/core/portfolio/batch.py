"""A whole portfolio in one call: weights in, one account with every fill out."""

from collections.abc import Mapping

import numpy as np

from tallow.core.engine.checks import check_cash, refused_target
from tallow.core.engine.state import NOWHERE
from tallow.core.portfolio.desk import (
    ACCOUNT_SIZE,
    AMBIGUOUS,
    BOOK_SIZE,
    CASH,
    CEILING,
    COLUMN,
    EVENTS,
    INSTRUMENT,
    LARGEST,
    LEDGER,
    LIQUIDATIONS,
    LOG_SIZE,
    REASON,
    REFUSED,
    REJECTED,
    SHRUNK,
    TARGET,
    Desk,
)
from tallow.core.portfolio.kernels import LOG_ROOM, RELEVEL, RUN
from tallow.core.portfolio.panel import Panel, align, check_symbols
from tallow.core.portfolio.results import PortfolioRun
from tallow.core.portfolio.rules import AccountRules, Calendar, Drift, EveryBars, decision_rows
from tallow.core.portfolio.venue import venue_terms
from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import UserError
from tallow.domain.ranges import iso
from tallow.domain.scene import Execution
from tallow.domain.venue_rules import RuleBook

Executions = Execution | Mapping[str, Execution]
_FIRST_LOG, _LARGEST_LOG = 256, 65_536  # rows of the event log; each is twice the one before


def run(
    bars: Mapping[str, Bars] | Panel,
    weights: Floats,
    execution: Executions,
    *,
    cash: float,
    rules: AccountRules | None = None,
    books: Mapping[str, RuleBook] | None = None,
) -> PortfolioRun:
    """Carry out target weights on several instruments in one account and keep every mark, fill and trade.

    Args:
        bars: symbol -> candles, or what `align` made of them (which then holds the funding).
        weights: one row a time of the panel, one column an instrument: fraction of equity, decided at that row's
            close; NaN keeps the last.
        execution: fills and costs, for all or by symbol.
        cash: starting balance in quote units.
        rules: rebalancing and margin; by default on change, isolated.
        books: symbol -> trading rules of its venue, as they changed; those of other symbols are of their execution.

    Example:
        >>> prices = np.array([100.0, 100.0, 110.0, 110.0])
        >>> bars = Bars.of(np.arange(4) * 60_000_000, (prices, prices, prices, prices, prices))
        >>> half = np.array([[0.5, 0.5], [np.nan, np.nan], [0.0, 0.0], [np.nan, np.nan]])
        >>> done = run({"A/USDT": bars, "B/USDT": bars}, half, Execution(taker_fee=0.0), cash=1_000.0)
        >>> done.equity.tolist(), [log.profit.tolist() for log in done.trades]
        ([1000.0, 1000.0, 1100.0, 1100.0], [[50.0], [50.0]])

    Raises:
        DataError: BAD_BARS, BAD_FUNDING.
        UserError: WEIGHTS_SHAPE, WEIGHTS_TOO_LARGE, TARGET_TOO_LARGE, SHORT_NOT_ALLOWED, UNKNOWN_INSTRUMENT,
            NO_INSTRUMENTS, MIXED_FILLS, BAD_SETTING, BAD_RULES.
    """
    panel = bars if isinstance(bars, Panel) else align(bars)
    terms, settings = rules or AccountRules(), _executions(execution, panel.symbols)
    asked = _checked_weights(weights, panel)
    order = panel.canonical
    venue = venue_terms(panel, settings, books or {})
    desk = _desk(panel, settings, terms, check_cash(cash))._replace(config=venue.config, tiers=venue.tiers)
    decisions = decision_rows(terms.rebalance, asked, panel.time, panel.length)
    equity, payments = np.empty(len(panel)), _payments(panel)
    chunks, row = [np.zeros((0, LOG_SIZE))], 0
    for stop in (*venue.rows, len(panel)):
        while row < stop:
            room = max(min(_FIRST_LOG << len(chunks), _LARGEST_LOG), 2 * LOG_ROOM * len(order))
            desk = desk._replace(log=np.empty((room, LOG_SIZE)))
            row = RUN(desk, decisions, asked, payments, equity[:stop])
            _raise_refused(desk, panel, settings, row)
            chunks.append(desk.log[: int(desk.account[EVENTS])])
            desk.account[EVENTS] = 0.0
        for place in venue.adopt(stop):
            RELEVEL(desk, place)
    events = np.concatenate([chunk.T for chunk in chunks], axis=1).T  # by column, as the logs read it
    events[:, INSTRUMENT] = np.array(order, np.float64)[events[:, INSTRUMENT].astype(np.int64)]
    back = np.argsort(order)
    return PortfolioRun(
        panel=panel,
        start_cash=float(cash),
        equity=equity,
        asked=asked,
        rejected_orders=tuple(desk.book[back, REJECTED].astype(int).tolist()),
        ambiguous_bars=tuple(desk.book[back, AMBIGUOUS].astype(int).tolist()),
        shrunk_purchases=int(desk.account[SHRUNK]),
        liquidations=int(desk.account[LIQUIDATIONS]),
        events=events,
    )


def _executions(execution: Executions, symbols: tuple[str, ...]) -> tuple[Execution, ...]:
    if isinstance(execution, Execution):
        return (execution,) * len(symbols)
    check_symbols(execution, symbols, "an execution")
    check_symbols([symbol for symbol in symbols if symbol not in execution], tuple(execution), "no execution")
    found = tuple(execution[symbol] for symbol in symbols)
    if len({one.fill for one in found}) > 1:
        raise UserError(
            "MIXED_FILLS",
            "some instruments fill at the next open and some at the close",
            facts={symbol: one.fill for symbol, one in zip(symbols, found, strict=True)},
            commands=["tallow explain MIXED_FILLS"],
        )
    return found


def _checked_weights(weights: Floats, panel: Panel) -> Floats:
    values = np.ascontiguousarray(weights, np.float64)
    shape = (len(panel), len(panel.symbols))
    if values.shape != shape:
        raise UserError(
            "WEIGHTS_SHAPE",
            f"weights of shape {values.shape} for {shape[0]} times and {shape[1]} instruments",
            facts={"valid": f"{shape}: one row a time, one column an instrument, NaN to keep the last weight"},
            commands=["tallow explain WEIGHTS_SHAPE"],
        )
    return values


def _desk(panel: Panel, settings: tuple[Execution, ...], rules: AccountRules, cash: float) -> Desk:
    order = panel.canonical
    book = np.zeros((len(order), BOOK_SIZE))
    book[:, LEDGER], book[:, CEILING], book[:, REASON] = cash, NOWHERE, 1.0
    book[:, COLUMN] = order
    account = np.zeros(ACCOUNT_SIZE)
    account[CASH] = cash
    leverage = max(one.leverage for one in settings) if rules.leverage is None else rules.leverage
    drift = rules.rebalance.threshold if isinstance(rules.rebalance, Drift) else 0.0
    every = isinstance(rules.rebalance, EveryBars | Calendar)
    guarded = any(_is_guarded(one) for one in settings)
    return Desk(
        address=np.array([_addresses(panel, i) for i in order], np.int64),
        config=np.zeros((0, 0)),  # of the venue
        book=book,
        account=account,
        log=np.empty((0, LOG_SIZE)),
        rules=np.array([rules.margin == "cross", leverage, drift, every, guarded, settings[0].fill == "close"], float),
    )


def _is_guarded(execution: Execution) -> bool:
    # Whether anything but a weight can close a position.
    exits = (execution.stop_loss, execution.take_profit, execution.trailing_stop)
    return execution.leverage > 1 or execution.allow_short or any(level is not None for level in exits)


def _addresses(panel: Panel, instrument: int) -> list[int]:
    columns, own = panel.markets[instrument].columns, panel.own[instrument]
    arrays = (columns.open, columns.high, columns.low, columns.close, columns.volume)
    return [*(array.ctypes.data for array in arrays), own.ctypes.data if len(own) else 0]


def _payments(panel: Panel) -> Floats:
    # Funding by row and instrument: row, place in the order of names, rate at the open, rate inside the bar.
    parts = [np.zeros((0, 4))]
    for place, i in enumerate(panel.canonical):
        columns = panel.markets[i].columns
        if not len(columns.funding_row):
            continue
        rows = panel.rows_of(i)[columns.funding_row]
        part = np.column_stack((rows, np.full(len(rows), place), columns.funding_open, columns.funding_inside))
        parts.append(part.astype(np.float64))
    merged = np.concatenate(parts)
    return np.ascontiguousarray(merged[np.lexsort((merged[:, 1], merged[:, 0]))])


def _raise_refused(desk: Desk, panel: Panel, settings: tuple[Execution, ...], row: int) -> None:
    refused = int(desk.account[REFUSED])
    if refused == 0:
        return
    time = int(panel.time[row - 1])
    if refused > 0:
        i = panel.canonical[refused - 1]
        problem = refused_target(float(desk.book[refused - 1, TARGET]), settings[i], row - 1, time)
        facts = {"symbol": panel.symbols[i], **problem.facts}
        message = f"{panel.symbols[i]}: {problem.message}"
        raise UserError(problem.code, message, facts=facts, commands=problem.commands)
    total = float(np.abs(desk.book[:, TARGET]).sum())
    raise UserError(
        "WEIGHTS_TOO_LARGE",
        f"the weights at {iso(time)} add up to {total:g} without sign, more than leverage {desk.rules[LARGEST]:g}",
        facts={"row": row - 1, "time": iso(time), "received": f"{total:g}", "valid": f"0 to {desk.rules[LARGEST]:g}"},
        commands=["tallow explain WEIGHTS_TOO_LARGE"],
    )
