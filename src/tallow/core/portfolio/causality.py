"""Certify that portfolio weights do not read the future: of all instruments at once, and of each alone.

The search for a leak changes the bars of one instrument. Here that one is either a carrier, whose changes are passed on
to every instrument in proportion and to every second one upside down, or each instrument in turn while the others keep
their true bars. Weights are compared column by column with those on the true bars, so no difference can hide behind
another; the search is told only whether a row differs.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tallow.core.causality import Effort, Run, Subject, certify, changed_rows
from tallow.core.causality.trials import Trials
from tallow.core.portfolio.panel import Panel, align
from tallow.domain.columns import COLUMNS, PRICES, Bars, Floats, Times
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate, Finding

Weights = Callable[[Mapping[str, Bars]], Floats]
"""Gives one row of weights a time of the union, one column a symbol; should import the strategy anew for every call."""


def certify_weights(
    weights: Weights,
    bars: Mapping[str, Bars],
    *,
    subject: Subject | None = None,
    effort: Effort | None = None,
) -> Certificate:
    """Run a portfolio strategy on changed futures and say whether any of them changed its past.

    Every row where a weight changes is tested with all futures changed at once, a part of them with the future of each
    instrument alone. Rows of a finding are those of the union of all times, `before` and `after` are the weights of
    the instrument that its hint names.

    Raises:
        Error: whatever `weights` raises on the bars as they are.

    Example:
        >>> draw = np.random.default_rng(1)
        >>> def drawn():
        ...     close = np.exp(np.cumsum(draw.normal(0, 0.1, 40)))
        ...     return Bars.of(np.arange(40), (close, close * 1.1, close / 1.1, close, close))
        >>> bars = {"A/USDT": drawn(), "B/USDT": drawn()}
        >>> last = lambda frames: np.column_stack([b.close > np.median(b.close) for b in frames.values()])
        >>> certify_weights(lambda frames: last(frames).astype(float), bars).verdict
        'leaky'
    """
    about, spend = subject or Subject(), effort or Effort()
    panel, base = align(bars), _evaluated(weights, bars)
    leader = carrier(panel)
    found = certify(joint_run(weights, bars, base), leader, subject=about, effort=spend)
    if found.verdict == "leaky":
        return _told(found, "any instrument", partial(_changed_together, panel, leader, bars), weights, bars, base)
    alone = replace(about, fresh=None, trace=None, clock_moved=(), by_bar=True)
    runs = found.runs
    for symbol in _single(bars) if found.verdict == "certified" else ():
        one = certify(single_run(weights, bars, base, symbol), bars[symbol], subject=alone, effort=spend)
        runs += one.runs
        if one.verdict == "leaky":
            one = _in_union(one, panel, symbol)
            told = _told(one, symbol, partial(_changed_alone, panel, bars, symbol), weights, bars, base)
            return replace(told, runs=runs)
        if one.verdict == "unknown":
            return replace(found, verdict="unknown", reason=f"{symbol} alone: {one.reason}", runs=runs)
    reason = f"{found.reason}; the future of each of {len(bars)} instruments alone changed nothing either"
    return replace(found, runs=runs, reason=reason if found.verdict == "certified" and len(bars) > 1 else found.reason)


def _single(bars: Mapping[str, Bars]) -> list[str]:
    # Those whose own future can be changed while others keep theirs.
    return [symbol for symbol in bars if len(bars) > 1 and len(bars[symbol]) > 2]


def joint_run(weights: Weights, bars: Mapping[str, Bars], base: Floats) -> Run:
    """Give what `certify` calls with a changed carrier: whether each row of weights is that of the true bars.

    A new process that must not see later bars is given `base`, the weights on the true bars, by the one that did.
    """
    panel, numbers = align(bars), _numbers(base)
    leader = carrier(panel)

    def run(changed: Bars) -> Floats:
        found = _evaluated(weights, follow(panel, leader, changed, bars))
        return _coded(base, found, numbers)

    return run


def single_run(weights: Weights, bars: Mapping[str, Bars], base: Floats, symbol: str) -> Run:
    """Give what `certify` calls with changed bars of one instrument, the others being as they are.

    One output stands for all rows from a bar of this instrument up to its next one: that is what the bar may decide.
    """
    panel = align(bars)
    own, numbers = bars[symbol].time, _numbers(base)

    def run(changed: Bars) -> Floats:
        others = {**bars, symbol: changed}
        time, found = align(others).time, _evaluated(weights, others)
        rows = np.searchsorted(panel.time, time)
        coded = _coded(base[rows], found, numbers[rows])
        bar = np.maximum(np.searchsorted(own, time, side="right") - 1, 0)
        kept = bar < len(changed)
        worst = np.zeros(len(changed))
        np.minimum.at(worst, bar[kept], np.where(coded < 0.0, coded, 0.0)[kept])
        last = np.zeros(len(changed))
        np.maximum.at(last, bar[kept], coded[kept])
        return np.where(worst < 0.0, worst, last)

    return run


def carrier(panel: Panel) -> Bars:
    """Give bars on the union of times that change hands for all: the mean change of the closes, a volume of 1."""
    changes = np.zeros((len(panel), len(panel.symbols)))
    for i in range(len(panel.symbols)):
        close = np.log(panel.closes(i))
        known = ~np.isnan(close)
        changes[1:, i] = np.where(known[1:] & known[:-1], np.diff(np.where(known, close, 0.0)), 0.0)
    close = 100.0 * np.exp(np.clip(np.cumsum(changes.mean(axis=1)), -50.0, 50.0))
    opened = np.concatenate((close[:1], close[:-1]))
    ones = np.ones(len(close))
    columns = (opened, np.maximum(opened, close) * 1.001, np.minimum(opened, close) * 0.999, close, ones)
    flows = {"quote_volume": close, "trades": ones, "taker_buy_volume": ones / 2, "taker_buy_quote_volume": close / 2}
    return Bars.of(panel.time, columns, **flows)


def follow(panel: Panel, leader: Bars, changed: Bars, bars: Mapping[str, Bars]) -> dict[str, Bars]:
    """Do to every instrument what was done to the carrier: cut short, or moved in proportion where it was changed.

    Prices of every second instrument move the other way, so that ranks and spreads change too. Rows in which the
    carrier is as it was stay as they were.
    """
    count = len(changed)
    names = ("open", "high", "low", "close", "volume")
    differs = np.zeros(count, np.bool_)
    for name in names:
        differs |= getattr(changed, name) != getattr(leader, name)[:count]
    rows = np.flatnonzero(differs)
    before = np.maximum(rows - 1, 0)
    if len(rows) and len(rows) == count - rows[0]:
        before[:] = max(int(rows[0]) - 1, 0)  # a future that was replaced hangs from the last row before it
    moves = {name: getattr(changed, name)[rows] / leader.close[before] for name in PRICES}
    moves["volume"] = changed.volume[rows]
    return {
        symbol: _moved(bars[symbol], panel.time[:count], (rows, before), moves, bool(i % 2))
        for i, symbol in enumerate(panel.symbols)
    }


def _moved(own: Bars, time: Times, where: tuple[Times, Times], moves: Mapping[str, Floats], inverse: bool) -> Bars:
    # The instrument's bars up to the last time, those at the changed rows hung from its last close before.
    rows, before = where
    kept = own[: int(np.searchsorted(own.time, time[-1], side="right"))] if len(time) else own[:0]
    place = np.searchsorted(kept.time, time[rows])
    has_bar = (
        (place < len(kept)) & (kept.time[np.minimum(place, len(kept) - 1)] == time[rows]) if len(kept) else rows < 0
    )
    at, anchor = place[has_bar], np.searchsorted(kept.time, time[before[has_bar]], side="right") - 1
    if not len(at):
        return kept
    first = anchor < 0
    price = np.where(first, kept.open[at], kept.close[np.maximum(anchor, 0)])
    traded = np.where(first | ~(kept.volume[np.maximum(anchor, 0)] > 0.0), 1.0, kept.volume[np.maximum(anchor, 0)])
    path = {name: moves[name][has_bar] for name in moves}
    if inverse:
        path |= {"open": 1 / path["open"], "close": 1 / path["close"]}
        path |= {"high": 1 / moves["low"][has_bar], "low": 1 / moves["high"][has_bar]}
    volume = traded * path["volume"]
    spent = volume * price * path["close"]
    values = {name: price * path[name] for name in PRICES} | {
        "volume": volume,
        "quote_volume": spent,
        "trades": np.ceil(path["volume"]),
        "taker_buy_volume": volume / 2,
        "taker_buy_quote_volume": spent / 2,
    }
    return Bars(kept.time, *(_written(getattr(kept, name), at, values[name]) for name in COLUMNS[1:]))


def _written(column: Floats, at: NDArray[np.intp], values: Floats) -> Floats:
    # What the source does not tell stays unknown.
    found = column.copy()
    found[at] = np.where(np.isnan(column[at]), np.nan, values)
    return found


def _evaluated(weights: Weights, bars: Mapping[str, Bars]) -> Floats:
    found = np.asarray(weights(bars), np.float64)
    shape = len(align(bars)), len(bars)
    if found.shape != shape:
        raise UserError(
            "WEIGHTS_SHAPE",
            f"weights of shape {found.shape} for {shape[0]} times and {shape[1]} instruments",
            facts={"valid": f"{shape}: one row a time, one column an instrument"},
            commands=["tallow explain WEIGHTS_SHAPE"],
        )
    return found


def _numbers(base: Floats) -> Floats:
    # A number for every row that is another one where any weight changes.
    same = (base[1:] == base[:-1]) | (np.isnan(base[1:]) & np.isnan(base[:-1]))
    return 1.0 + np.concatenate(([0.0], np.cumsum(~same.all(axis=1))))[: len(base)]


def _coded(base: Floats, found: Floats, numbers: Floats) -> Floats:
    # The row's number where all its weights are those of the true bars; otherwise -1.
    count = min(len(base), len(found))
    coded = numbers[:count].copy()
    for i in range(base.shape[1]):
        coded[changed_rows(base[:, i], found[:count, i], count)] = -1.0
    return coded


def _told(
    certificate: Certificate,
    whose: str,
    changed: Callable[[Finding], Mapping[str, Bars]],
    weights: Weights,
    bars: Mapping[str, Bars],
    base: Floats,
) -> Certificate:
    """Say it in weights: whose changed most, from what to what."""
    finding, time = certificate.findings[0], align(bars).time
    others = changed(finding)
    found, rows = _evaluated(weights, others), np.searchsorted(time, align(others).time)
    differing = np.flatnonzero(_coded(base[rows], found, np.ones(len(rows))) < 0.0)
    # One output of a single instrument stands for several rows: the nearest of them that differs is the one.
    place = differing[np.abs(rows[differing] - finding.row).argmin()]
    row = int(rows[place])
    apart = np.abs(np.nan_to_num(base[row]) - np.nan_to_num(found[place]))
    i = int((apart + (np.isnan(base[row]) != np.isnan(found[place]))).argmax())
    symbol, where = tuple(bars)[i], f"after row {finding.cut}"
    words = f"the weight of {symbol} at row {row} changes when only bars of {whose} {where} do: {finding.kind}"
    hint = f"{symbol}: {finding.hint}" if finding.hint else symbol
    before, after = float(base[row, i]), float(found[place, i])
    told = replace(finding, row=row, time=int(time[row]), before=before, after=after, hint=hint)
    return replace(certificate, reason=words, rows=len(time), findings=(told,))


def _in_union(certificate: Certificate, panel: Panel, symbol: str) -> Certificate:
    # Rows of one instrument as rows of all.
    rows = panel.rows_of(panel.symbols.index(symbol))
    moved = [replace(f, row=int(rows[f.row]), cut=int(rows[f.cut])) for f in certificate.findings]
    return replace(certificate, findings=tuple(moved))


def _disturbed(bars: Bars, finding: Finding, cut: int) -> Bars:
    return Trials(lambda same: same.close, bars, bars.close).changed(cut, finding.method)


def _changed_together(panel: Panel, leader: Bars, bars: Mapping[str, Bars], finding: Finding) -> Mapping[str, Bars]:
    return follow(panel, leader, _disturbed(leader, finding, finding.cut), bars)


def _changed_alone(panel: Panel, bars: Mapping[str, Bars], symbol: str, finding: Finding) -> Mapping[str, Bars]:
    cut = int(np.searchsorted(bars[symbol].time, panel.time[finding.cut]))
    return {**bars, symbol: _disturbed(bars[symbol], finding, cut)}
