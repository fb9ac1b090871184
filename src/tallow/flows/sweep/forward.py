"""Walk forward: choose parameters on the past, apply them to what follows, join what that earned."""

import math
from dataclasses import dataclass, field, replace
from hashlib import sha256

import numpy as np

from tallow.core.engine import ENGINE_VERSION, run
from tallow.core.metrics import drawdowns, growth, sharpe, summary
from tallow.core.splits import Split, WalkForward
from tallow.domain.columns import Bars, Floats, Targets
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate
from tallow.domain.results import Filed, Result, Run
from tallow.domain.scene import Scene
from tallow.domain.sent import Sent
from tallow.domain.sweep import Evaluated, Fold, Search, WalkForwardResult, goal_column
from tallow.domain.timeframes import Timeframe, parse_timeframe
from tallow.domain.trials import Dataset, dataset_of, trial_key
from tallow.flows.backtest import Market, notes, read_market, scored, strategy_hash
from tallow.flows.incidents import find_incidents
from tallow.flows.replay import Replay, differences
from tallow.flows.report.figures import plural
from tallow.flows.seals import seal_notes
from tallow.flows.sweep.evaluation import Series, Work
from tallow.flows.sweep.filing import file_of, walk_of
from tallow.flows.sweep.flow import Studio, best_of, evaluated, open_market, series_of
from tallow.flows.sweep.plan import TRIALS, plan, settle
from tallow.ports import Strategy


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

    def split(self, bars: int, timeframe: Timeframe) -> tuple[Split, ...]:
        """Give training and test rows, in time order; the last test may be shorter.

        Raises:
            UserError: BAD_PARAMETER, TOO_FEW_BARS.
        """
        train, test = (rows_of(name, getattr(self, name), timeframe) for name in ("train", "test"))
        return WalkForward(train, test, anchored=self.anchored, partial=True).split(bars)


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
        walker = _Walker(scene, strategy, settled, walk, market, studio, work, is_stored=bars is None)
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
    with studio.recruit(strategy, market.bars, scene, market.funding) as evaluator:
        work = Work(evaluator, desk.clock, desk.progress, "walking forward")
        walker = _Walker(scene, strategy, stored.search, walk, market, studio, work, is_stored=False)
        again = walker.go()
    different = differences(stored.result.metrics, again.result.metrics)
    choices = zip(stored.folds, again.folds, strict=False)
    different += [
        f"step {place}: chosen differently" for place, (one, two) in enumerate(choices, 1) if not _same(one, two)
    ]
    for name in ("data_digest", "engine_version"):
        before, now = getattr(stored.result, name), getattr(again.result, name)
        different += [f"{name.replace('_', ' ')}: stored {before[:16]}, now {now[:16]}"] if before != now else []
    return Replay(found.key, found.digest, again.result.digest, tuple(different))


def _same(one: Fold, two: Fold) -> bool:
    numbers = zip((one.trained, one.tested), (two.trained, two.tested), strict=True)
    alike = all(left == right or (math.isnan(left) and math.isnan(right)) for left, right in numbers)
    return alike and dict(one.parameters) == dict(two.parameters)


@dataclass(frozen=True)
class _Walker:
    """Chooses and applies, one split after the other."""

    scene: Scene
    strategy: Strategy
    search: Search
    walk: Walk
    market: Market
    studio: Studio
    work: Work
    is_stored: bool
    tried: dict[bytes, float] = field(default_factory=dict)

    @property
    def bare(self) -> Scene:
        """The scene without the swept parameters, which change from test to test."""
        fixed = {name: value for name, value in self.scene.parameters.items() if name not in self.search.names}
        return replace(self.scene, parameters=fixed)

    @property
    def dataset(self) -> Dataset:
        """What every trial of the walk is counted on: all of the data, of which it sees a part at a time."""
        return dataset_of([self.scene.instrument], self.scene.timeframe, self.market.bars.time)

    @property
    def said(self) -> str:
        """What is searched and how the walk goes, in one text."""
        return f"{self.search!r} {self.walk!r}"

    @property
    def key(self) -> str:
        """Content key of the walk: any changed axis, stretch, scene, data, source or engine changes it."""
        source = strategy_hash(self.strategy)
        rest = self.bare.key(self.market.versions, self.market.digest, source, ENGINE_VERSION)
        return sha256(f"walk-forward {self.said} {rest}".encode()).hexdigest()

    def go(self) -> WalkForwardResult:
        """Walk; certificate and score are filled in by the caller."""
        scene, market, work = self.scene, self.market, self.work
        splits = self.walk.split(len(market.bars), scene.timeframe)
        tries = _tries(self.search, scene)
        work.whole = len(splits) * tries
        folds = [self.step(split) for split in splits]
        targets = np.concatenate([target for _, target in folds])
        rows = range(splits[0].test[0].start, splits[-1].test[0].stop)
        tested = market.bars[rows.start : rows.stop]
        done = run(tested, targets, scene.execution, cash=scene.cash, funding=market.funding)
        told = tuple(_told(fold, done, rows.start, scene, self.search.goal) for fold, _ in folds)
        walk = self.walk
        return WalkForwardResult(
            search=self.search,
            result=_result(self, done, tested, told),
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
        ratio = sharpe(growth(result.run.equity, self.scene.cash), 1.0)
        trial = trial_key(result.strategy_hash, self.scene, {"walk-forward": self.said}, self.dataset)
        known = {trial: math.nan if ratio is None else ratio, **self.tried}
        leaky = result.certificate is not None and result.certificate.verdict == "leaky"
        sharpes = np.full(len(known), math.nan) if leaky else np.array(list(known.values()))
        scene, records = self.scene, self.studio.desk.records
        if not self.is_stored:
            return len(known), sharpes * math.sqrt(scene.timeframe.per_year)
        records.count_trials(self.dataset, list(known), sharpes)
        return records.trials(self.dataset)

    def certificate(self, folds: tuple[Fold, ...]) -> Certificate | None:
        """Check the strategy with the parameters chosen last."""
        desk = self.studio.desk
        last = next((fold for fold in reversed(folds) if fold.parameters), None)
        if desk.certify is None or last is None:
            return None
        scene = replace(self.scene, parameters={**self.scene.parameters, **last.parameters})
        desk.progress("checking for look-ahead", 0, 1)
        variant = self.work.evaluator.variant(scene.parameters)
        found = desk.certify(variant, self.market.bars, scene, self.market.funding)
        desk.progress("checking for look-ahead", 1, 1)
        return found

    def step(self, split: Split) -> tuple[Fold, Floats]:
        """Choose on the training rows; give the fold, and the targets of its test rows."""
        train, test = split.train[0], split.test[0]
        found = evaluated(self.search, self.scene, self._series(train), self.work)
        self._remember(found)
        best = best_of(found, self.search)
        if best is None:
            return Fold(train, test, {}, math.nan, math.nan, 0.0), np.zeros(len(test))
        chosen = dict(zip(found.names, found.rows[best], strict=True))
        scene = replace(self.scene, parameters={**self.scene.parameters, **chosen})
        variant = self.work.evaluator.variant(scene.parameters)
        seen = self.market.bars[train.start : test.stop]
        decisions = self.studio.desk.evaluate(variant, seen, scene, self.market.funding)
        if isinstance(decisions, Sent):
            raise _orders_refused(self.scene)
        targets = held(decisions)
        trained = float(goal_column(found, self.search.goal)[best])
        return Fold(train, test, chosen, trained, math.nan, 0.0), targets[test.start - train.start :]

    def _remember(self, found: Evaluated) -> None:
        # A combination is one trial on the whole data, with the ratio of the first stretch that it was tried on.
        source, ratios = strategy_hash(self.strategy), found.columns["bar_sharpe"].tolist()
        for place, row in enumerate(found.rows):
            if place not in found.failed:
                values = {**self.scene.parameters, **dict(zip(found.names, row, strict=True))}
                self.tried.setdefault(trial_key(source, self.scene, values, self.dataset), ratios[place])

    def _series(self, rows: range) -> Series:
        part = replace(self.market, bars=self.market.bars[rows.start : rows.stop])
        series = series_of(self.scene, self.strategy, part)
        records = self.studio.desk.records if self.is_stored else None
        place = slice(rows.start, rows.stop)
        return replace(series, bars=place, length=len(rows), records=records, dataset=self.dataset)


def _tries(search: Search, scene: Scene) -> int:
    return (search.trials or TRIALS) if search.method == "optuna" else len(plan(search, scene.parameters))


def _orders_refused(scene: Scene) -> UserError:
    return UserError(
        "ORDERS_NOT_JOINED",
        f"{scene.strategy} sends orders; a walk forward joins the targets of its tests, and orders cannot be joined",
        facts={"valid": "a strategy that sets targets; or one backtest for each stretch, with --timerange"},
        commands=["tallow explain ORDERS_NOT_JOINED"],
    )


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
    gain = float(equity[-1]) / cash - 1.0 if cash > 0.0 else 0.0
    falls = drawdowns(equity, done.time[start:stop], cash, count=1)
    depth = falls[0].depth_pct / 100.0 if falls else 0.0
    closed = (done.trades.exit_row >= start) & (done.trades.exit_row < stop)
    ratio = sharpe(growth(equity, cash), 1.0)
    numbers = {
        "bar_sharpe": math.nan if ratio is None else ratio,
        "total_return": gain,
        "final_equity": float(equity[-1]),
        "max_drawdown": depth,
        "return_over_drawdown": gain / -depth if depth else math.nan,
        "trades": float(closed.sum()),
        "wins": float((closed & (done.trades.profit > 0.0)).sum()),
    }
    return replace(fold, tested=numbers[goal], test_return=gain)


def _result(walker: _Walker, done: Run, bars: Bars, folds: tuple[Fold, ...]) -> Result:
    scene, market, desk = walker.scene, walker.market, walker.studio.desk
    paid = market.funding
    return Result(
        key=walker.key,
        digest=done.digest(),
        scene=walker.bare,
        strategy_source=walker.strategy.source,
        strategy_hash=strategy_hash(walker.strategy),
        engine_version=ENGINE_VERSION,
        table_versions=market.versions,
        data_digest=market.digest,
        origin=scene.instrument.venue,
        bars_origin=market.bars_origin,
        metrics=summary(done, bars, scene.timeframe, scene.execution, scene.cash),
        run=done,
        incidents=find_incidents(desk.lake, walker.bare, bars, done, has_funding=paid is not None, funding=paid),
        created=desk.clock.now(),
        notes=(
            *notes(scene, market),
            f"parameters were chosen anew {plural(len(folds), 'time')}, each time on the past alone",
            *(seal_notes(desk.records, scene) if walker.is_stored else ()),
        ),
    )
