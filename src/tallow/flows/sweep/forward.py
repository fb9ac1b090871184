"""Walk forward: choose parameters on the past, apply them to what follows, join what that earned."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from tallow.core.decisions import carry_out
from tallow.core.engine import ENGINE_VERSION
from tallow.core.splits import Length, Split, walk_in_time
from tallow.domain.columns import Bars, Floats, Targets, Times
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate
from tallow.domain.results import Filed, Result, Run
from tallow.domain.scene import Scene, Value
from tallow.domain.sent import Decisions, Sent
from tallow.domain.sweep import Fold, Search, WalkForwardResult, goal_column
from tallow.domain.timeframes import Timeframe, parse_timeframe
from tallow.flows.backtest import read_market, scored, strategy_hash
from tallow.flows.replay import Replay, differences, same_orders
from tallow.flows.report.figures import plural
from tallow.flows.sweep.evaluation import Work
from tallow.flows.sweep.filing import file_of, walk_of
from tallow.flows.sweep.flow import Studio, best_of, open_market
from tallow.flows.sweep.joining import Ask, Part, join_orders
from tallow.flows.sweep.plan import TRIALS, plan, settle
from tallow.flows.sweep.stretches import Stretches, numbers_of
from tallow.ports import Strategy

_ENDS = "every test begins flat: at the end of the one before, orders are cancelled and the position is closed"


@dataclass(frozen=True)
class Walk:
    """How far to look back and ahead: lengths such as ``180d``, or numbers of bars.

    Attributes:
        train: what the parameters are chosen on.
        test: what they are applied to, and how far the walk goes in one step.
        anchored: every training stretch starts at the first bar; otherwise it has one length and rolls.
    """

    train: str | int
    test: str | int
    anchored: bool = False

    def split(self, time: Times, timeframe: Timeframe) -> tuple[Split, ...]:
        """Give training and test rows of bars that open at these times, in order; the last test may be shorter.

        Raises:
            UserError: BAD_PARAMETER, TOO_FEW_BARS.
        """
        train, test = (length_of(name, getattr(self, name), timeframe) for name in ("train", "test"))
        return walk_in_time(time, train, test, anchored=self.anchored)

    def in_rows(self, timeframe: Timeframe) -> "Walk":
        """Give the same with its lengths counted in bars, as walks were stored that do not say how they count."""
        train, test = (rows_of(name, getattr(self, name), timeframe) for name in ("train", "test"))
        return replace(self, train=train, test=test)


def length_of(name: str, length: str | int, timeframe: Timeframe) -> Length:
    """Read a length of time, or a number of bars.

    Example:
        >>> length_of("train", "2d", parse_timeframe("4h")), length_of("test", "90", parse_timeframe("1h"))
        (Length(rows=0, microseconds=172800000000), Length(rows=90, microseconds=0))

    Raises:
        UserError: BAD_PARAMETER when it is neither, or shorter than one bar.
    """
    rows = rows_of(name, length, timeframe)
    text = str(length).strip()
    return Length(rows=rows) if text.isdigit() else Length(microseconds=parse_timeframe(text).microseconds)


def rows_of(name: str, length: str | int, timeframe: Timeframe) -> int:
    """Turn a length of time, or a number of bars, into a number of bars.

    Example:
        >>> rows_of("train", "2d", parse_timeframe("4h")), rows_of("test", "90", parse_timeframe("1h"))
        (12, 90)

    Raises:
        UserError: BAD_PARAMETER when it is neither, or shorter than one bar.
    """
    text = str(length).strip()
    if text.isdigit():
        rows = int(text)
    else:
        try:
            rows = parse_timeframe(text).microseconds // timeframe.microseconds
        except UserError:
            rows = 0
    if rows < 1:
        raise UserError(
            "BAD_PARAMETER",
            f"{name} = {length!r} is no stretch of {timeframe} bars",
            facts={"valid": "180d, 12h, 4w, or a number of bars"},
        )
    return rows


def walk_forward(
    scene: Scene, strategy: Strategy, search: Search, walk: Walk, studio: Studio, bars: Bars | None = None
) -> WalkForwardResult:
    """Choose the best combination on each training stretch, and join what it does on the test that follows.

    The strategy runs from the start of the training stretch, so that its indicators are warm when the test begins.
    The targets of all tests are carried out as one account: a change of parameters trades, and costs, what it changes.
    Of a strategy that sends orders every test begins flat, see `join_orders`.
    Combinations are stored on each training stretch like those of a sweep, so that a walk that was stopped goes on;
    the finished walk is stored, and the very same again computes nothing. Every distinct combination is a trial on the
    whole data, and so is the walk.

    Args:
        scene: what to trade, with every parameter of the strategy.
        strategy: with the same parameters.
        search: which combinations, and what the best is.
        walk: stretches.
        studio: ports.
        bars: candles that the caller holds, instead of the lake's; nothing is stored then.

    Raises:
        UserError: those of a sweep; TOO_FEW_BARS when not even one test fits.
        TransientError: WORKER_LOST.
    """
    desk = studio.desk
    market = open_market(scene, desk, bars)
    with studio.recruit(strategy, market.bars, scene, market.funding) as evaluator:
        settled = settle(search, evaluator)
        work = Work(evaluator, desk.clock, desk.progress, "walking forward")
        walker = _Walker(
            scene=scene, strategy=strategy, search=settled, walk=walk, market=market, studio=studio, work=work,
            is_stored=bars is None,
        )  # fmt: skip
        found = desk.records.filed(walker.key) if studio.gives_stored and bars is None else None
        known = None if found is None else walk_of(found)
        if known is not None and (known.result.certificate is not None or desk.certify is None):
            return known
        done = walker.judged(walker.go())
    if bars is None:
        desk.records.file(file_of(done))
    return done


def replay_walk(found: Filed, strategy: Strategy, studio: Studio) -> Replay:
    """Choose anew on the pinned versions, without what is stored, and compare every choice and every bit."""
    stored, desk = walk_of(found), studio.desk
    scene = replace(stored.result.scene, parameters=strategy.parameters)
    market = read_market(desk.lake, scene, dict(stored.result.table_versions))
    walk = Walk(stored.train, stored.test, stored.anchored)
    walk = walk if found.body["walk"].get("in_time") else walk.in_rows(scene.timeframe)
    with studio.recruit(strategy, market.bars, scene, market.funding) as evaluator:
        work = Work(evaluator, desk.clock, desk.progress, "walking forward")
        walker = _Walker(
            scene=scene, strategy=strategy, search=stored.search, walk=walk, market=market, studio=studio, work=work,
            is_stored=False,
        )  # fmt: skip
        again = walker.go()
    different = differences(stored.result.metrics, again.result.metrics)
    if len(stored.folds) != len(again.folds):
        different.append(f"steps: stored {len(stored.folds)}, now {len(again.folds)}")
    steps = enumerate(zip(stored.folds, again.folds, strict=False), 1)
    different += [f"step {place}: {part} differs" for place, pair in steps for part in _unlike(*pair)]
    if stored.result.orders is not None and not same_orders(stored.result.orders, again.result.orders):
        different.append("orders: the log differs")
    for name in ("data_digest", "engine_version"):
        before, now = getattr(stored.result, name), getattr(again.result, name)
        different += [f"{name.replace('_', ' ')}: stored {before[:16]}, now {now[:16]}"] if before != now else []
    return Replay(found.key, found.digest, again.result.digest, tuple(different))


def _unlike(one: Fold, two: Fold) -> list[str]:
    # Names of what two steps do not have in common; an undefined number is like another.
    pairs = {name: (getattr(one, name), getattr(two, name)) for name in ("trained", "tested", "test_return")}
    found = [name for name, (left, right) in pairs.items() if left != right and not (left != left and right != right)]
    found += ["rows"] if (one.train, one.test) != (two.train, two.test) else []
    return found + (["choice"] if dict(one.parameters) != dict(two.parameters) else [])


@dataclass(frozen=True, kw_only=True)
class _Walker(Stretches):
    """Chooses and applies, one split after the other."""

    walk: Walk

    @property
    def said(self) -> str:
        """What is searched and how the walk goes, in one text."""
        return f"{self.search!r} {self.walk!r}"

    @property
    def key(self) -> str:
        """Content key of the walk: any changed axis, stretch, scene, data, source or engine changes it."""
        source = strategy_hash(self.strategy)
        rest = self.bare.key(self.market.versions, self.market.digest, source, ENGINE_VERSION)
        return sha256(f"walk-forward in time {self.said} {rest}".encode()).hexdigest()

    def go(self) -> WalkForwardResult:
        """Walk; certificate and score are filled in by the caller."""
        scene, market, work = self.scene, self.market, self.work
        splits = self.walk.split(market.bars.time, scene.timeframe)
        tries = _tries(self.search, scene)
        work.whole = len(splits) * tries
        steps = [self.step(split) for split in splits]
        rows = range(splits[0].test[0].start, splits[-1].test[0].stop)
        tested, decisions = market.bars[rows.start : rows.stop], self.joined(steps)
        done = carry_out(tested, decisions, scene.execution, cash=scene.cash, funding=market.funding, terms=scene.terms)
        told = tuple(_told(fold, done.run, rows.start, scene, self.search.goal) for fold, _ in steps)
        walk = self.walk
        note = f"parameters were chosen anew {plural(len(told), 'time')}, each time on the past alone"
        ends = (_ENDS,) if isinstance(decisions, Sent) else ()
        return WalkForwardResult(
            search=self.search,
            result=self.result(self.key, (decisions, done), tested, note, *ends),
            folds=told,
            anchored=walk.anchored,
            combinations=tries,
            computed=work.computed,
            seconds=work.seconds,
            train=str(walk.train),
            test=str(walk.test),
        )

    def judged(self, done: WalkForwardResult) -> WalkForwardResult:
        """Add the certificate, then the score, which hangs on it."""
        result = replace(done.result, certificate=self.certificate(done.folds))
        tested = self.market.bars[done.folds[0].test.start : done.folds[-1].test.stop]
        desk, market = replace(self.studio.desk, rerun=None), replace(self.market, bars=tested)
        return replace(done, result=scored(result, self.strategy, market, desk, self.count(result)))

    def count(self, result: Result) -> tuple[int, Floats]:
        """Count the walk and every combination it tried as trials on the whole data; give all that are known there."""
        return self.counted(result, {"walk-forward": self.said})

    def certificate(self, folds: tuple[Fold, ...]) -> Certificate | None:
        """Check the strategy with the parameters chosen last."""
        last = next((fold for fold in reversed(folds) if fold.parameters), None)
        return None if last is None else self.certified(last.parameters)

    def joined(self, steps: "list[tuple[Fold, Floats | Sent]]") -> Decisions:
        """Give the decisions of one account for all tests: targets one after the other, or orders."""
        targets = [decisions for _, decisions in steps if not isinstance(decisions, Sent)]
        if len(targets) == len(steps):
            return np.concatenate(targets)
        parts = [Part(fold.train, fold.test, self._asker(fold) if fold.parameters else None) for fold, _ in steps]
        return join_orders(parts, self.market.bars, self.scene, self.market.funding)

    def _asker(self, fold: Fold) -> Ask:
        scene, seen = self._chosen(fold.parameters), self.market.bars[fold.train.start : fold.test.stop]
        variant = self.work.evaluator.variant(scene.parameters)

        def ask(cash: float, first: int) -> Decisions:
            desk = self.studio.desk
            return desk.evaluate(variant, seen, replace(scene, cash=cash), self.market.funding, first)

        return ask

    def _chosen(self, parameters: Mapping[str, Value]) -> Scene:
        return replace(self.scene, parameters={**self.scene.parameters, **parameters})

    def step(self, split: Split) -> "tuple[Fold, Floats | Sent]":
        """Choose on the training rows; give the fold, and the targets of its test rows or all that it sent."""
        train, test = split.train[0], split.test[0]
        found = self.try_on(train)
        best = best_of(found, self.search)
        if best is None:
            return Fold(train, test, {}, math.nan, math.nan, 0.0), np.zeros(len(test))
        chosen = dict(zip(found.names, found.rows[best], strict=True))
        scene = self._chosen(chosen)
        variant = self.work.evaluator.variant(scene.parameters)
        seen = self.market.bars[train.start : test.stop]
        decisions = self.studio.desk.evaluate(variant, seen, scene, self.market.funding)
        fold = Fold(train, test, chosen, float(goal_column(found, self.search.goal)[best]), math.nan, 0.0)
        if isinstance(decisions, Sent):
            return fold, decisions
        return fold, held(decisions)[test.start - train.start :]


def _tries(search: Search, scene: Scene) -> int:
    return (search.trials or TRIALS) if search.method == "optuna" else len(plan(search, scene.parameters))


def held(targets: Targets) -> Floats:
    """Put the last target where a strategy keeps it (NaN); flat before the first one.

    Example:
        >>> held(np.array([np.nan, 1.0, np.nan, 0.5])).tolist()
        [0.0, 1.0, 1.0, 0.5]
    """
    values = np.asarray(targets, np.float64)
    last = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    return np.nan_to_num(values[last])


def _told(fold: Fold, done: Run, first: int, scene: Scene, goal: str) -> Fold:
    """Add to a fold what the joined account did over its test."""
    start, stop = fold.test.start - first, fold.test.stop - first
    cash = float(done.equity[start - 1]) if start else scene.cash
    equity = done.equity[start:stop]
    closed = (done.trades.exit_row >= start) & (done.trades.exit_row < stop)
    numbers = numbers_of(equity, done.time[start:stop], cash, done.trades.profit[closed])
    return replace(fold, tested=numbers[goal], test_return=numbers["total_return"])
