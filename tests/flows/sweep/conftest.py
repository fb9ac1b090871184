import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallow.core.search import axes_of
from tallow.core.strategies import sma_cross
from tallow.domain.columns import Bars, Floats, FundingRates
from tallow.domain.market import parse_symbol
from tallow.domain.scene import Scene, Value
from tallow.domain.sweep import Evaluated, Row, Search, SweepResult
from tallow.domain.timeframes import parse_timeframe
from tallow.flows.backtest import Desk
from tallow.flows.sweep import Studio
from tallow.flows.sweep.flow import best_of
from tallow.ports import Evaluator, Lake, Progress, Strategy, silent
from tallow.runners.batches import Ground, Inline
from tallow.runners.inline import load
from tallow.stores.records import SqlRecords


class Watched:
    """An evaluator that notes what it was asked, and may stop after some chunks."""

    def __init__(self, inside: Inline, limit: int | None = None) -> None:
        self.inside = inside
        self.limit = limit
        self.asked: list[tuple[Row, ...]] = []

    def settle(self, name: str, values: Row) -> Row:
        return self.inside.settle(name, values)

    def variant(self, parameters: Mapping[str, Value]) -> Strategy:
        return self.inside.variant(parameters)

    def run(
        self, names: tuple[str, ...], chunks: Iterator[tuple[Row, ...]], total: int, bars: slice
    ) -> Iterator[Evaluated]:
        for rows in chunks:
            if self.limit is not None and len(self.asked) == self.limit:
                raise KeyboardInterrupt
            self.asked.append(rows)
            yield from self.inside.run(names, iter([rows]), total, bars)


def _ground(bars: Bars, scene: Scene, funding: FundingRates | None) -> Ground:
    return Ground(bars, scene.execution, scene.cash, funding, terms=scene.terms)


@dataclass
class Hall:
    """Studios over one lake, and every evaluator that was handed out."""

    lake: Lake
    clock: object
    folder: Path
    handed: list[Watched] = field(default_factory=list)

    def studio(self, limit: int | None = None, progress: Progress = silent) -> Studio:
        @contextlib.contextmanager
        def recruit(strategy: Strategy, bars: Bars, scene: Scene, funding: FundingRates | None) -> Iterator[Evaluator]:
            watched = Watched(Inline(strategy, _ground(bars, scene, funding)), limit)
            self.handed.append(watched)
            yield watched

        def evaluate(strategy: Strategy, bars: Bars, scene: Scene, funding: FundingRates | None) -> Floats:
            return strategy.targets(bars)

        records = SqlRecords(str(self.folder / "results"))
        return Studio(Desk(self.lake, records, self.clock, evaluate, progress=progress), recruit)  # type: ignore[arg-type]

    @property
    def asked(self) -> int:
        """How many combinations the last evaluator worked on."""
        return sum(len(rows) for rows in self.handed[-1].asked)


@pytest.fixture
def hall(filled: Lake, clock: object, tmp_path: Path) -> Hall:
    return Hall(filled, clock, tmp_path)


@pytest.fixture
def cross() -> Strategy:
    return load("sma_cross", {"fast": 3, "slow": 9})


@pytest.fixture
def cross_scene(cross: Strategy) -> Scene:
    return Scene("sma_cross", parse_symbol("BTC/USDT"), parse_timeframe("1h"), cross.parameters)


@pytest.fixture
def alone(hall: Hall, cross_scene: Scene) -> Callable[..., float]:
    """The final equity of one combination, from the engine alone."""
    from tallow.core.engine import run
    from tallow.flows.backtest import pin, read_market

    market = read_market(hall.lake, cross_scene, pin(hall.lake, cross_scene))

    def final(fast: int, slow: int) -> float:
        targets = sma_cross(market.bars, fast=fast, slow=slow)
        done = run(market.bars, targets, cross_scene.execution, cash=cross_scene.cash)
        return float(np.asarray(done.equity)[-1])

    return final


@pytest.fixture
def made(cross_scene: Scene) -> Callable[..., SweepResult]:
    """A sweep with the numbers that a test says; without other rows they are those of the whole grid."""

    def build(
        axes: Mapping[str, object],
        returns: Sequence[float],
        rows: Sequence[Row] | None = None,
        failed: Mapping[int, str] | None = None,
        **changes: Any,
    ) -> SweepResult:
        options = {name: changes.pop(name) for name in ("method", "trials_wanted", "goal") if name in changes}
        search = Search(
            axes_of(axes), options.get("method", "grid"), options.get("trials_wanted", 0), 7,
            options.get("goal", "total_return"), changes.pop("constraints", ()),
        )  # fmt: skip
        every = tuple(rows or product(*(axis.values for axis in search.axes)))
        gains = np.array(returns)
        columns = {
            "final_equity": 10_000.0 * (1.0 + gains),
            "total_return": gains,
            "max_drawdown": np.where(np.isnan(gains), np.nan, -0.1),
            "bar_sharpe": gains / 10.0,
            "trades": np.where(np.isnan(gains), np.nan, 4.0),
            "fees": np.where(np.isnan(gains), np.nan, 1_234.5),
        }
        found = Evaluated(search.names, every, columns, failed or {})
        best = best_of(found, search)
        given = {"result": None, "computed": len(every), "seconds": 2.0, "bars": 500, "trials": len(every)}
        given |= {"sharpes": columns["bar_sharpe"]} | changes
        return SweepResult("k" * 64, cross_scene, search, found, best, **given)

    return build
