"""Cross-validate: choose parameters on some groups of the data, hold out the others, in every combination of groups."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from tallow.core.decisions import Outcome
from tallow.core.engine import ENGINE_VERSION, run
from tallow.core.metrics import growth, sharpe, summary
from tallow.core.splits import CombinatorialPurged, Split
from tallow.domain.columns import Bars, Floats, Times
from tallow.domain.errors import UserError
from tallow.domain.results import Filed, Ints, Run
from tallow.domain.scene import Scene, Value
from tallow.domain.sent import Sent
from tallow.domain.sweep import Evaluated, Row, Search, goal_column
from tallow.domain.timeframes import Timeframe, parse_timeframe
from tallow.flows.backtest import read_market, scored, strategy_hash
from tallow.flows.replay import Replay, differences
from tallow.flows.report.figures import plural
from tallow.flows.sweep.cross_filing import cross_of, file_of
from tallow.flows.sweep.cross_values import CrossPath, CrossSplit, CrossValidationResult
from tallow.flows.sweep.evaluation import Work
from tallow.flows.sweep.flow import Studio, best_of, open_market
from tallow.flows.sweep.forward import held, rows_of
from tallow.flows.sweep.plan import plan, settle
from tallow.flows.sweep.stretches import Stretches, numbers_of
from tallow.ports import Strategy

ORDERS = "ORDERS_NOT_JOINED"
EMBARGO_SHARE = 0.01  # of all bars, where nobody says how long (M. Lopez de Prado, 2018, chapter 7)
KEPT_ROWS = 1_000  # of every path's equity
MOST_MARKS = 50_000_000  # bars x paths: all of them are in memory at once


@dataclass(frozen=True)
class Folding:
    """How the data is cut: groups, and lengths such as ``12h`` or numbers of bars.

    Attributes:
        groups: consecutive pieces of equal length.
        test_groups: held out at a time, in every combination.
        purge: training rows dropped on either side of a group held out.
        embargo: training rows dropped beyond that after it; None is 1 % of all bars.
    """

    groups: int = 6
    test_groups: int = 2
    purge: str | int = 0
    embargo: str | int | None = None

    def plan(self, bars: int, timeframe: Timeframe) -> CombinatorialPurged:
        """Give the splits of so many bars.

        Raises:
            UserError: BAD_PARAMETER; also where bars times paths exceed what fits into memory.
        """
        purge = _length("purge", self.purge, timeframe)
        share = math.ceil(bars * EMBARGO_SHARE)
        embargo = share if self.embargo is None else _length("embargo", self.embargo, timeframe)
        made = CombinatorialPurged(self.groups, self.test_groups, purge, embargo)
        if bars * made.path_count > MOST_MARKS:
            raise UserError(
                "BAD_PARAMETER",
                f"{made.path_count:,} paths over {bars:,} bars are too many to hold",
                facts={"valid": f"paths x bars up to {MOST_MARKS:,}", "paths": "splits x test groups / groups"},
            )
        return made


def _length(name: str, length: str | int, timeframe: Timeframe) -> int:
    # A candle that is touched in part is dropped whole, so a length of time is rounded up.
    text = str(length).strip()
    if text == "0":
        return 0
    whole = rows_of(name, length, timeframe)
    return whole if text.isdigit() else -(-parse_timeframe(text).microseconds // timeframe.microseconds)


def cross_validate(
    scene: Scene, strategy: Strategy, search: Search, folding: Folding, studio: Studio, bars: Bars | None = None
) -> CrossValidationResult:
    """Choose the best combination on the training rows of every split, and join what the choices do elsewhere to paths.

    On each piece of training rows the strategy starts anew, so that nothing of a group held out is in its indicators;
    the numbers of the pieces are put together. A group held out is traded with the targets that the choice gives when
    it has seen all bars before. Every group is held out in several splits: one of each makes a path, which is carried
    out as one account over all bars. Pieces of training rows that splits share are tried once, and stored like sweeps:
    what was stopped goes on. Every distinct combination is a trial on the whole data, and so is the procedure, with
    the path in the middle.

    Args:
        scene: what to trade, with every parameter of the strategy.
        strategy: with the same parameters.
        search: which combinations, and what the best is; not ``optuna``, whose combinations hang on the piece.
        folding: groups, purge and embargo.
        studio: ports.
        bars: candles that the caller holds, instead of the lake's; nothing is stored then.

    Raises:
        UserError: those of a sweep; BAD_SEARCH; TOO_FEW_BARS when a group is not longer than purge and embargo;
            ORDERS_NOT_JOINED for strategies that send orders.
        TransientError: WORKER_LOST.
    """
    desk = studio.desk
    _check_method(search)
    market = open_market(scene, desk, bars)
    splits = folding.plan(len(market.bars), scene.timeframe)
    with studio.recruit(strategy, market.bars, scene, market.funding) as evaluator:
        work = Work(evaluator, desk.clock, desk.progress, "cross-validating")
        crossing = _Crossing(
            scene=scene, strategy=strategy, search=settle(search, evaluator), market=market, studio=studio, work=work,
            is_stored=bars is None, plan=splits,
        )  # fmt: skip
        found = desk.records.filed(crossing.key) if studio.gives_stored and bars is None else None
        known = None if found is None else cross_of(found)
        if known is not None and (known.result.certificate is not None or desk.certify is None):
            return known
        done = crossing.judged(crossing.go())
    if bars is None:
        desk.records.file(file_of(done))
    return done


def replay_cross(found: Filed, strategy: Strategy, studio: Studio) -> Replay:
    """Choose anew on the pinned versions, without what is stored, and compare every choice and every bit."""
    stored, desk = cross_of(found), studio.desk
    scene = replace(stored.result.scene, parameters=strategy.parameters)
    market = read_market(desk.lake, scene, dict(stored.result.table_versions))
    with studio.recruit(strategy, market.bars, scene, market.funding) as evaluator:
        work = Work(evaluator, desk.clock, desk.progress, "cross-validating")
        crossing = _Crossing(
            scene=scene, strategy=strategy, search=stored.search, market=market, studio=studio, work=work,
            is_stored=False, plan=stored.plan,
        )  # fmt: skip
        again = crossing.go()
    different = differences(stored.result.metrics, again.result.metrics)
    choices = zip(stored.splits, again.splits, strict=True)
    different += [f"split {at}: chosen differently" for at, (one, two) in enumerate(choices, 1) if not _same(one, two)]
    for name in ("data_digest", "engine_version"):
        before, now = getattr(stored.result, name), getattr(again.result, name)
        different += [f"{name.replace('_', ' ')}: stored {before[:16]}, now {now[:16]}"] if before != now else []
    return Replay(found.key, found.digest, again.result.digest, tuple(different))


def _same(one: CrossSplit, two: CrossSplit) -> bool:
    numbers = zip((one.trained, one.tested), (two.trained, two.tested), strict=True)
    alike = all(left == right or (math.isnan(left) and math.isnan(right)) for left, right in numbers)
    return alike and dict(one.parameters) == dict(two.parameters)


def _check_method(search: Search) -> None:
    if search.method == "optuna":
        raise UserError(
            "BAD_SEARCH",
            "a cross-validation compares the same combinations on every split; optuna proposes others on each",
            facts={"received": "method optuna", "valid": "grid, random, latin, sobol"},
        )


class Choice(NamedTuple):
    """The best combination on the training rows of a split, and its number there; empty where none has it."""

    parameters: Mapping[str, Value]
    trained: float


class _Account(NamedTuple):
    """What splits are measured on: equity of every bar, and where each trade was closed with what profit."""

    equity: Floats
    exit_row: Ints
    profit: Floats


@dataclass(frozen=True, kw_only=True)
class _Crossing(Stretches):
    """Tries every piece of training rows once, chooses for every split, joins the groups held out."""

    plan: CombinatorialPurged
    decided: dict[tuple[Value, ...], Floats] = field(default_factory=dict)
    pieces: dict[range, Evaluated] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """What is searched and how the data is cut, in one text."""
        return f"{self.search!r} {self.plan!r}"

    @property
    def key(self) -> str:
        """Content key: any changed axis, cut, scene, data, source or engine changes it."""
        source = strategy_hash(self.strategy)
        rest = self.bare.key(self.market.versions, self.market.digest, source, ENGINE_VERSION)
        return sha256(f"cross-validation {self.said} {rest}".encode()).hexdigest()

    def go(self) -> CrossValidationResult:
        """Cross-validate; certificate and score are filled in by the caller."""
        bars, work = self.market.bars, self.work
        splits = self.plan.split(len(bars))
        combinations = plan(self.search, self.scene.parameters)
        work.whole = len(combinations) * len({piece for split in splits for piece in split.train})
        self.refuse_orders(combinations)
        chosen = [self.choose(split) for split in splits]
        rows = _kept(len(bars))
        told = [self.tell(path, self.carry_out(path, chosen), rows) for path in self.plan.paths]
        paths = tuple(path for path, _ in told)
        middle = _middle(paths)
        account = self.carry_out(paths[middle].splits, chosen)
        note = f"parameters were chosen {plural(len(splits), 'time')}, each time without the groups they then traded"
        digest = sha256("".join(path.digest for path in paths).encode()).hexdigest()
        held_out = [_held_out(paths, number, self.plan.tested[number]) for number in range(len(splits))]
        return CrossValidationResult(
            search=self.search,
            plan=self.plan,
            result=replace(self.result(self.key, (account.target, Outcome(account, None)), bars, note), digest=digest),
            splits=tuple(
                self.measure(split, choice, [told[at][1] for at in places])
                for split, choice, places in zip(splits, chosen, held_out, strict=True)
            ),
            paths=paths,
            middle=middle,
            rows=rows,
            combinations=len(combinations),
            computed=work.computed,
            seconds=work.seconds,
        )

    def refuse_orders(self, combinations: Sequence[Row]) -> None:
        """Refuse a strategy that sends orders before anything is tried, and counted."""
        first = dict(zip(self.search.names, combinations[0], strict=True))
        try:
            self.targets({**self.scene.parameters, **first})
        except UserError as problem:
            if problem.code == ORDERS:
                raise
        # What else fails under these values is told with the numbers of the others.

    def choose(self, split: Split) -> "Choice":
        """Give the best combination on the training rows with its number; no parameters where none has it."""
        parts = []
        for piece in split.train:
            if piece not in self.pieces:
                self.pieces[piece] = self.try_on(piece)
            parts.append(self.pieces[piece])
        found = pooled(parts, [len(piece) for piece in split.train], self.scene.cash)
        best = best_of(found, self.search)
        if best is None:
            return Choice({}, math.nan)
        values = dict(zip(found.names, found.rows[best], strict=True))
        return Choice(values, float(goal_column(found, self.search.goal)[best]))

    def targets(self, parameters: Mapping[str, Value]) -> Floats:
        """Give the target at every bar of all, each decided on the bars before."""
        place = tuple(parameters[name] for name in sorted(parameters))
        if place not in self.decided:
            scene = replace(self.scene, parameters=dict(parameters))
            variant = self.work.evaluator.variant(scene.parameters)
            decisions = self.studio.desk.evaluate(variant, self.market.bars, scene, self.market.funding)
            if isinstance(decisions, Sent):
                raise _orders_refused(self.scene)
            self.decided[place] = held(decisions)
        return self.decided[place]

    def carry_out(self, path: Sequence[int], chosen: "Sequence[Choice]") -> Run:
        """Trade every group with the choice of the split that a path takes it from, in one account."""
        bars, scene = self.market.bars, self.scene
        line = np.zeros(len(bars))
        for rows, number in zip(self.groups, path, strict=True):
            place, parameters = slice(rows.start, rows.stop), chosen[number].parameters
            if parameters:
                line[place] = self.targets({**scene.parameters, **parameters})[place]
        return run(bars, line, scene.execution, cash=scene.cash, funding=self.market.funding, rules=scene.rules)

    @property
    def groups(self) -> tuple[range, ...]:
        """The rows of every group."""
        return self.plan.pieces(len(self.market.bars))

    def tell(self, path: tuple[int, ...], done: Run, rows: Times) -> "tuple[CrossPath, _Account]":
        """Sum an account up, and keep what the splits are measured on."""
        scene, bars = self.scene, self.market.bars
        ratio = sharpe(growth(done.equity, scene.cash), 1.0)
        told = CrossPath(
            splits=path,
            digest=done.digest(),
            bar_sharpe=math.nan if ratio is None else ratio,
            metrics=summary(done, bars, scene.timeframe, scene.execution, scene.cash),
            equity=np.asarray(done.equity[rows], np.float64),
        )
        return told, _Account(np.asarray(done.equity, np.float64), done.trades.exit_row, done.trades.profit)

    def measure(self, split: Split, choice: "Choice", accounts: "Sequence[_Account]") -> CrossSplit:
        """Measure a choice on the groups held out, one after the other as if they followed each other.

        Each group is measured on the account of the path that it belongs to; what that was worth when the group began
        is another sum in every path, so that only the returns count.
        """
        cash, time = self.scene.cash, self.market.bars.time[split.test_rows]
        equity, profits, worth = [], [], cash
        for rows, done in zip(split.test, accounts, strict=True):
            before = float(done.equity[rows.start - 1]) if rows.start else cash
            equity.append(done.equity[rows.start : rows.stop] * (worth / before if before > 0.0 else 0.0))
            worth = float(equity[-1][-1])
            profits.append(done.profit[(done.exit_row >= rows.start) & (done.exit_row < rows.stop)])
        numbers = numbers_of(np.concatenate(equity), time, cash, np.concatenate(profits))
        return CrossSplit(
            groups=tuple(self.groups.index(rows) for rows in split.test),
            train=split.train,
            test=split.test,
            parameters=choice.parameters,
            trained=choice.trained,
            tested=numbers[self.search.goal],
            test_return=numbers["total_return"],
        )

    def judged(self, done: CrossValidationResult) -> CrossValidationResult:
        """Add the certificate of what was chosen most often, then the score of the path in the middle."""
        often = most_chosen(done)
        result = replace(done.result, certificate=self.certified(often) if often else None)
        desk = replace(self.studio.desk, rerun=None)
        trials = self.counted(result, {"cross-validation": self.said})
        return replace(done, result=scored(result, self.strategy, self.market, desk, trials))


def most_chosen(done: CrossValidationResult) -> Mapping[str, Value]:
    """Give the combination that most splits chose, the first of equals; empty where none chose any."""
    counted = Counter(tuple(split.parameters.items()) for split in done.splits if split.parameters)
    return dict(counted.most_common(1)[0][0]) if counted else {}


def pooled(parts: Sequence[Evaluated], lengths: Sequence[int], cash: float) -> Evaluated:
    """Put the numbers of several pieces of training rows together, as if each began with the starting balance.

    Returns compound; counts and money add up; the drawdown is the deepest of a piece; the Sharpe ratio is the mean by
    rows of those of the pieces, 0 where one had none because nothing moved, and undefined where none had one. What
    failed on one piece failed.

    Example:
        >>> one = Evaluated(("k",), ((1,),), {"total_return": np.array([0.1]), "bar_sharpe": np.array([0.3])})
        >>> two = Evaluated(("k",), ((1,),), {"total_return": np.array([0.2]), "bar_sharpe": np.array([np.nan])})
        >>> found = pooled([one, two], [10, 20], 100.0)
        >>> {name: column.round(12).tolist() for name, column in found.columns.items()}
        {'total_return': [0.32], 'bar_sharpe': [0.1]}
    """
    if len(parts) == 1:
        return parts[0]
    first, weights = parts[0], np.array(lengths, np.float64) / sum(lengths)
    failed = {place: reason for part in reversed(parts) for place, reason in part.failed.items()}
    columns = {}
    for name in first.columns:
        table = np.array([part.columns[name] for part in parts])
        columns[name] = _together(name, table, weights, cash)
        columns[name][list(failed)] = np.nan
    return Evaluated(first.names, first.rows, columns, dict(sorted(failed.items())))


def _together(name: str, table: Floats, weights: Floats, cash: float) -> Floats:
    if name == "total_return":
        return np.asarray(np.prod(1.0 + table, axis=0) - 1.0, np.float64)
    if name == "final_equity":
        return np.asarray(cash * np.prod(table / cash, axis=0), np.float64)
    if name == "max_drawdown":
        return np.asarray(table.min(axis=0), np.float64)
    if name == "exposure":
        return np.asarray(weights @ table, np.float64)
    if name == "bar_sharpe":
        known = weights @ np.nan_to_num(table)
        return np.where(np.isnan(table).all(axis=0), np.nan, known)
    return np.asarray(table.sum(axis=0), np.float64)


def _held_out(paths: Sequence[CrossPath], number: int, groups: Sequence[int]) -> list[int]:
    """Give the path that takes each of these groups from a split."""
    return [next(at for at, path in enumerate(paths) if path.splits[group] == number) for group in groups]


def _kept(bars: int) -> Times:
    return np.unique(np.linspace(0, bars - 1, min(bars, KEPT_ROWS)).round().astype(np.int64))


def _middle(paths: Sequence[CrossPath]) -> int:
    ratios = np.array([path.bar_sharpe for path in paths])
    order = np.argsort(np.where(np.isnan(ratios), -np.inf, ratios), kind="stable")
    return int(order[(len(paths) - 1) // 2])


def _orders_refused(scene: Scene) -> UserError:
    return UserError(
        ORDERS,
        f"{scene.strategy} sends orders; a cross-validation joins the targets of many choices to one account",
        facts={"valid": "a strategy that sets targets, or a walk forward, in which every test begins flat"},
        commands=["tallow walkforward --help", "tallow explain ORDERS_NOT_JOINED"],
    )
