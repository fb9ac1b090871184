"""Stretches of one market: combinations tried on each, stored, counted as trials on the whole, results joined."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tallow.core.decisions import Outcome
from tallow.core.engine import ENGINE_VERSION
from tallow.core.metrics import drawdowns, growth, sharpe, summary
from tallow.domain.columns import Bars, Floats, Times
from tallow.domain.evidence import Certificate
from tallow.domain.results import Result
from tallow.domain.scene import Scene, Value
from tallow.domain.sent import Decisions, Sent
from tallow.domain.sweep import Evaluated, Search
from tallow.domain.trials import Dataset, dataset_of, trial_key
from tallow.flows.backtest import Market, filling_notes, notes, strategy_hash
from tallow.flows.incidents import find_incidents
from tallow.flows.seals import seal_notes
from tallow.flows.sweep.evaluation import Series, Work
from tallow.flows.sweep.flow import Studio, evaluated, series_of
from tallow.ports import Strategy


@dataclass(frozen=True, kw_only=True)
class Stretches:
    """Tries the combinations of one search on stretches of one market.

    Attributes:
        scene: what to trade, with every parameter of the strategy.
        search: settled.
        is_stored: whether combinations and trials are kept in the records.
        tried: every trial so far, with its Sharpe ratio a bar on the first stretch that it was tried on.
    """

    scene: Scene
    strategy: Strategy
    search: Search
    market: Market
    studio: Studio
    work: Work
    is_stored: bool
    tried: dict[bytes, float] = field(default_factory=dict)

    @property
    def bare(self) -> Scene:
        """The scene without the swept parameters, which change from stretch to stretch."""
        fixed = {name: value for name, value in self.scene.parameters.items() if name not in self.search.names}
        return replace(self.scene, parameters=fixed)

    @property
    def dataset(self) -> Dataset:
        """What every trial is counted on: all of the data, of which each stretch is a part."""
        return dataset_of([self.scene.instrument], self.scene.timeframe, self.market.bars.time)

    def try_on(self, rows: range) -> Evaluated:
        """Evaluate every combination on a stretch; those of an earlier call on the same bars come from the records.

        Raises:
            UserError: ALL_FAILED.
        """
        found = evaluated(self.search, self.scene, self._series(rows), self.work)
        source, ratios = strategy_hash(self.strategy), found.columns["bar_sharpe"].tolist()
        for place, row in enumerate(found.rows):
            if place not in found.failed:
                values = {**self.scene.parameters, **dict(zip(found.names, row, strict=True))}
                self.tried.setdefault(trial_key(source, self.scene, values, self.dataset), ratios[place])
        return found

    def _series(self, rows: range) -> Series:
        part = replace(self.market, bars=self.market.bars[rows.start : rows.stop])
        series = series_of(self.scene, self.strategy, part)
        records = self.studio.desk.records if self.is_stored else None
        place = slice(rows.start, rows.stop)
        return replace(series, bars=place, length=len(rows), records=records, dataset=self.dataset)

    def result(self, key: str, traded: tuple[Decisions, Outcome], bars: Bars, *said: str) -> Result:
        """Make the result of an account that several choices of parameters share; certificate and score are missing."""
        scene, market, desk, paid = self.scene, self.market, self.studio.desk, self.market.funding
        decisions, (done, orders) = traded
        return Result(
            key=key,
            digest=done.digest(),
            scene=self.bare,
            strategy_source=self.strategy.source,
            strategy_hash=strategy_hash(self.strategy),
            engine_version=ENGINE_VERSION,
            table_versions=market.versions,
            data_digest=market.digest,
            origin=scene.instrument.venue,
            bars_origin=market.bars_origin,
            metrics=summary(done, bars, scene.timeframe, scene.execution, scene.cash),
            run=done,
            incidents=find_incidents(desk.lake, self.bare, bars, done, has_funding=paid is not None, funding=paid),
            created=desk.clock.now(),
            notes=(
                *notes(scene, market),
                *filling_notes(scene, decisions),
                *said,
                *(seal_notes(desk.records, scene) if self.is_stored else ()),
            ),
            sent=decisions if isinstance(decisions, Sent) else None,
            orders=orders,
        )

    def certified(self, parameters: Mapping[str, Value]) -> Certificate | None:
        """Check the strategy with these parameters; None where nothing is to be checked."""
        desk = self.studio.desk
        if desk.certify is None:
            return None
        scene = replace(self.scene, parameters={**self.scene.parameters, **parameters})
        desk.progress("checking for look-ahead", 0, 1)
        variant = self.work.evaluator.variant(scene.parameters)
        found = desk.certify(variant, self.market.bars, scene, self.market.funding)
        desk.progress("checking for look-ahead", 1, 1)
        return found

    def counted(self, result: Result, said: Mapping[str, Value]) -> tuple[int, Floats]:
        """Count a result and every combination tried for it as trials on the whole data; give all known there.

        `said` names the procedure: it is a trial of its own, with the ratio of its account.
        """
        ratio = sharpe(growth(result.run.equity, self.scene.cash), 1.0)
        trial = trial_key(result.strategy_hash, self.scene, said, self.dataset)
        known = {trial: math.nan if ratio is None else ratio, **self.tried}
        leaky = result.certificate is not None and result.certificate.verdict == "leaky"
        sharpes = np.full(len(known), math.nan) if leaky else np.array(list(known.values()))
        records = self.studio.desk.records
        if not self.is_stored:
            return len(known), sharpes * math.sqrt(self.scene.timeframe.per_year)
        records.count_trials(self.dataset, list(known), sharpes)
        return records.trials(self.dataset)


def numbers_of(equity: Floats, time: Times, cash: float, profits: Floats) -> dict[str, float]:
    """Give every number that a search can look for, of a part of an account.

    Args:
        equity: at every close of the part.
        time: open of every bar of it.
        cash: what the account was worth before.
        profits: of the trades closed in it.

    Example:
        >>> found = numbers_of(np.array([110.0, 99.0]), np.array([0, 1]), 100.0, np.array([4.0, -5.0]))
        >>> round(found["total_return"], 12), round(found["max_drawdown"], 12), found["wins"]
        (-0.01, -0.1, 1.0)
    """
    gain = float(equity[-1]) / cash - 1.0 if cash > 0.0 else 0.0
    falls = drawdowns(equity, time, cash, count=1)
    depth = falls[0].depth_pct / 100.0 if falls else 0.0
    ratio = sharpe(growth(equity, cash), 1.0)
    return {
        "bar_sharpe": math.nan if ratio is None else ratio,
        "total_return": gain,
        "final_equity": float(equity[-1]),
        "max_drawdown": depth,
        "return_over_drawdown": gain / -depth if depth else math.nan,
        "trades": float(len(profits)),
        "wins": float((profits > 0.0).sum()),
    }
