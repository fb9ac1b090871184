"""Walk forward: choose parameters on the past, apply them to what follows, join what that earned."""

import math
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from tallow.core.engine import ENGINE_VERSION, run
from tallow.core.metrics import drawdowns, growth, sharpe, summary
from tallow.core.splits import Split, WalkForward
from tallow.domain.columns import Bars, Floats, Targets
from tallow.domain.errors import UserError
from tallow.domain.evidence import Certificate
from tallow.domain.results import Result, Run
from tallow.domain.scene import Scene
from tallow.domain.sweep import Fold, Search, WalkForwardResult, dataset_key, goal_column, trial_key
from tallow.domain.timeframes import Timeframe, parse_timeframe
from tallow.flows.backtest import Market, notes, scored, strategy_hash
from tallow.flows.incidents import find_incidents
from tallow.flows.seals import seal_notes
from tallow.flows.sweep.evaluation import Series, Work
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
    Combinations are stored and counted on each training stretch like those of a sweep; the walk is one trial more on
    the whole data.

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
    splits = walk.split(len(market.bars), scene.timeframe)
    with studio.recruit(strategy, market.bars, scene, market.funding) as evaluator:
        settled = settle(search, evaluator)
        tries = _tries(settled, scene)
        work = Work(evaluator, desk.clock, desk.progress, "walking forward", whole=len(splits) * tries)
        walker = _Walker(scene, strategy, settled, market, studio, work, is_stored=bars is None)
        folds = [walker.step(split) for split in splits]
    targets = np.concatenate([target for _, target in folds])
    rows = range(splits[0].test[0].start, splits[-1].test[0].stop)
    tested = market.bars[rows.start : rows.stop]
    done = run(tested, targets, scene.execution, cash=scene.cash, funding=market.funding)
    told = tuple(_told(fold, done, rows.start, scene, settled.goal) for fold, _ in folds)
    result = _result(walker, done, tested, told, walk)
    trials = desk.records.trials(dataset_key(scene, market.digest)) if bars is None else (1, np.zeros(0))
    result = scored(result, strategy, replace(market, bars=tested), replace(desk, rerun=None), trials)
    return WalkForwardResult(settled, result, told, walk.anchored, tries, work.computed, work.seconds)


@dataclass(frozen=True)
class _Walker:
    """Chooses and applies, one split after the other."""

    scene: Scene
    strategy: Strategy
    search: Search
    market: Market
    studio: Studio
    work: Work
    is_stored: bool

    def step(self, split: Split) -> tuple[Fold, Floats]:
        """Choose on the training rows; give the fold, and the targets of its test rows."""
        train, test = split.train[0], split.test[0]
        found = evaluated(self.search, self.scene, self._series(train), self.work)
        best = best_of(found, self.search)
        if best is None:
            return Fold(train, test, {}, math.nan, math.nan, 0.0), np.zeros(len(test))
        chosen = dict(zip(found.names, found.rows[best], strict=True))
        scene = replace(self.scene, parameters={**self.scene.parameters, **chosen})
        variant = self.work.evaluator.variant(scene.parameters)
        seen = self.market.bars[train.start : test.stop]
        targets = held(self.studio.desk.evaluate(variant, seen, scene, self.market.funding))
        trained = float(goal_column(found, self.search.goal)[best])
        return Fold(train, test, chosen, trained, math.nan, 0.0), targets[test.start - train.start :]

    def _series(self, rows: range) -> Series:
        part = replace(self.market, bars=self.market.bars[rows.start : rows.stop])
        series = series_of(self.scene, self.strategy, part)
        records = self.studio.desk.records if self.is_stored else None
        return replace(series, bars=slice(rows.start, rows.stop), length=len(rows), records=records)


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


def _result(walker: _Walker, done: Run, bars: Bars, folds: tuple[Fold, ...], walk: Walk) -> Result:
    scene, market, desk = walker.scene, walker.market, walker.studio.desk
    source = strategy_hash(walker.strategy)
    said = f"{walker.search!r} {walk!r}"
    # The swept parameters change from test to test: the scene holds the others.
    fixed = {name: value for name, value in scene.parameters.items() if name not in walker.search.names}
    bare = replace(scene, parameters=fixed)
    paid = market.funding
    content = f"walk-forward {said} {bare.key(market.versions, market.digest, source, ENGINE_VERSION)}"
    if walker.is_stored:
        ratio = sharpe(growth(done.equity, scene.cash), 1.0)
        trial = trial_key(source, {"walk-forward": said})
        known = np.array([math.nan if ratio is None else ratio])
        desk.records.count_trials(dataset_key(scene, market.digest), [trial], known)
    return Result(
        key=sha256(content.encode()).hexdigest(),
        digest=done.digest(),
        scene=bare,
        strategy_source=walker.strategy.source,
        strategy_hash=source,
        engine_version=ENGINE_VERSION,
        table_versions=market.versions,
        data_digest=market.digest,
        origin=scene.instrument.venue,
        bars_origin=market.bars_origin,
        metrics=summary(done, bars, scene.timeframe, scene.execution, scene.cash),
        run=done,
        incidents=find_incidents(desk.lake, bare, bars, done, has_funding=paid is not None, funding=paid),
        certificate=_certificate(walker, folds),
        created=desk.clock.now(),
        notes=(
            *notes(scene, market),
            f"parameters were chosen anew {len(folds)} times, each time on the past alone",
            *(seal_notes(desk.records, scene) if walker.is_stored else ()),
        ),
    )


def _certificate(walker: _Walker, folds: tuple[Fold, ...]) -> Certificate | None:
    """Check the strategy with the parameters chosen last."""
    desk = walker.studio.desk
    last = next((fold for fold in reversed(folds) if fold.parameters), None)
    if desk.certify is None or last is None:
        return None
    scene = replace(walker.scene, parameters={**walker.scene.parameters, **last.parameters})
    desk.progress("checking for look-ahead", 0, 1)
    variant = walker.work.evaluator.variant(scene.parameters)
    found = desk.certify(variant, walker.market.bars, scene, walker.market.funding)
    desk.progress("checking for look-ahead", 1, 1)
    return found
