"""Sweep strategies from Python."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallow.domain.scene import Value
from tallow.domain.sweep import Method
from tallow.sdk.frames import As, give, take_bars
from tallow.sdk.lake import Lake, open
from tallow.sdk.research import Code
from tallow.sdk.results import Result

if TYPE_CHECKING:
    from tallow.app import Workspace
    from tallow.domain.columns import Bars, Floats
    from tallow.domain.evidence import Certificate
    from tallow.domain.sweep import SweepResult, WalkForwardResult
    from tallow.flows.replay import Replay


class Sweep:
    """Many combinations: `.table`, `.best`, `.best_parameters`, `.check`, `.trials`, `.failed`."""

    def __init__(self, done: "SweepResult", workspace: "Workspace", bars: "Bars | None" = None) -> None:
        self._done = done
        self._workspace = workspace
        self._bars = bars

    @property
    def table(self) -> Any:
        """Every combination with its numbers, in the order of the search: a pandas frame."""
        return self.frame()

    @property
    def best(self) -> Result | None:
        """The full backtest of the best combination; None when none has the number looked for."""
        return None if self._done.result is None else Result(self._done.result, self._workspace, self._bars)

    @property
    def best_parameters(self) -> dict[str, Value]:
        """The values of the best combination; empty without one."""
        return self._done.best_parameters

    @property
    def check(self) -> "Certificate | None":
        """The look-ahead certificate of the best combination; None means unproven."""
        return None if self._done.result is None else self._done.result.certificate

    @property
    def trials(self) -> int:
        """Distinct combinations of any strategy ever tried on any of this data."""
        return self._done.trials

    @property
    def sharpes(self) -> "Floats":
        """Sharpe ratio a year of each of those trials; NaN where it is undefined."""
        return self._done.sharpes

    @property
    def failed(self) -> dict[int, str]:
        """Place in the table -> why that combination gave nothing."""
        return dict(self._done.found.failed)

    @property
    def computed(self) -> int:
        """Combinations that were not stored before."""
        return self._done.computed

    def frame(self, as_: As | None = None) -> Any:
        """Give the table as pandas, Polars or Arrow."""
        import polars as pl

        found = self._done.found
        swept = {name: [row[place] for row in found.rows] for place, name in enumerate(found.names)}
        return give(pl.DataFrame({**swept, **found.columns}, strict=False), as_)

    def save(self, path: str) -> Path:
        """Write the HTML page; give its path."""
        from tallow.flows.sweep import render

        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(render(self._done, colours=self._workspace.settings.palette), encoding="utf-8")
        return target

    def __repr__(self) -> str:
        from tallow.flows.sweep.plain import text

        return text(self._done)


class WalkForward:
    """A walk forward: `.result`, `.folds`, `.key`, `.check`, `.replay()`, `.save(path)`."""

    def __init__(self, done: "WalkForwardResult", workspace: "Workspace", bars: "Bars | None" = None) -> None:
        self._done = done
        self._workspace = workspace
        self._bars = bars

    @property
    def key(self) -> str:
        """Content key; `tallow results show KEY` finds the walk again."""
        return self._done.result.key

    @property
    def digest(self) -> str:
        """sha256 of every number of the joined account."""
        return self._done.result.digest

    @property
    def metrics(self) -> "dict[str, float | int | None]":
        """Every metric of the joined account under its canonical name."""
        return dict(self._done.result.metrics)

    @property
    def check(self) -> "Certificate | None":
        """The look-ahead certificate of the last choice; None means unproven."""
        return self._done.result.certificate

    @property
    def result(self) -> Result:
        """The account over all tests joined: `.equity`, `.trades`, `.score`, ..."""
        return Result(self._done.result, self._workspace, self._bars)

    @property
    def folds(self) -> Any:
        """What was chosen in each step and what it did, one a row."""
        import polars as pl

        rows = [
            {
                "train_from": fold.train.start, "train_to": fold.train.stop, "test_from": fold.test.start,
                "test_to": fold.test.stop, **fold.parameters, "trained": fold.trained, "tested": fold.tested,
                "test_return": fold.test_return,
            }
            for fold in self._done.folds
        ]  # fmt: skip
        return give(pl.DataFrame(rows, infer_schema_length=None), None)

    def replay(self) -> "Replay":
        """Choose anew on the pinned data, without what is stored; `.equal` says whether every bit is the same.

        Raises:
            UserError: UNKNOWN_RESULT for a walk over your own candles, which is not stored.
        """
        return self._workspace.replay(self.key)

    def save(self, path: str) -> Path:
        """Write the HTML page; give its path."""
        from tallow.flows.sweep.forward_page import render

        if self._bars is None:
            return self._workspace.write_page(self._done, Path(path))
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(render(self._done, self._bars, colours=self._workspace.settings.palette), encoding="utf-8")
        return target

    def __repr__(self) -> str:
        from tallow.flows.sweep.forward_page import text

        return text(self._done)


def sweep(  # noqa: PLR0913 - the options of a notebook call, by name
    strategy: Code,
    grid: Mapping[str, "Iterable[Value] | Value"],
    symbol: str = "BTC/USDT",
    timeframe: str = "1h",
    timerange: str | None = None,
    *,
    lake: Lake | None = None,
    data: Any = None,
    params: Mapping[str, Value] | None = None,
    method: Method = "grid",
    trials: int = 0,
    seed: int = 0,
    metric: str = "bar_sharpe",
    constraints: str | Sequence[str] = (),
    workers: int | None = None,
    check: bool = True,
    cache: bool = True,
    **execution: Any,
) -> Sweep:
    """Backtest many combinations of a strategy's parameters and give a `Sweep`.

    Args:
        strategy: as for `backtest`.
        grid: parameter -> its values: any iterable, or a text such as ``"5..50:5"`` or ``"0.1..0.9"``.
        symbol: instrument, in any spelling.
        timeframe: candle length.
        timerange: ``20240101-20240601``; everything when None.
        lake: where the candles are, and where finished combinations are stored; the default lake when None.
        data: your own candles instead, as a frame; nothing is stored then.
        params: parameters that are not swept.
        method: ``grid``, ``random``, ``latin``, ``sobol`` or ``optuna``.
        trials: combinations to try; 0 is a whole grid, or 100 where they are drawn.
        seed: of everything drawn.
        metric: the number whose largest value is the best.
        constraints: such as ``"fast < slow"``.
        workers: processes; None is one a core, started when the work is worth it.
        check: certify the best combination.
        cache: read and store finished combinations.
        execution: cash, fee, slippage, fill, leverage, short, stop_loss, take_profit, trailing_stop; venue_rules,
            participation and touch_fills as for `backtest`.

    Raises:
        UserError: NO_DATA, BAD_RANGE, BAD_CONSTRAINT, BAD_PARAMETER, ...: each says what is valid.
    """
    from tallow.core.search import axes_of
    from tallow.domain.sweep import Search
    from tallow.flows.sweep import sweep as run

    needed = (constraints,) if isinstance(constraints, str) else tuple(constraints)
    search = Search(axes_of(grid), method, trials, seed, metric, needed)
    workspace = (lake or open()).workspace
    code = workspace.strategy(strategy, dict(params or {}))
    where = symbol if data is None else f"own:{symbol}"
    scene = workspace.scene(code, symbol=where, timeframe=timeframe, timerange=timerange, **execution)
    bars = None if data is None else take_bars(data)
    studio = workspace.studio(scene if bars is None else None, code, workers=workers, check=check)
    return Sweep(run(scene, code, search, studio, bars, cache=cache), workspace, bars)


def walk_forward(  # noqa: PLR0913 - the options of a notebook call, by name
    strategy: Code,
    grid: Mapping[str, "Iterable[Value] | Value"],
    symbol: str = "BTC/USDT",
    timeframe: str = "1h",
    timerange: str | None = None,
    *,
    train: str | int = "180d",
    test: str | int = "30d",
    anchored: bool = False,
    lake: Lake | None = None,
    data: Any = None,
    params: Mapping[str, Value] | None = None,
    metric: str = "bar_sharpe",
    constraints: str | Sequence[str] = (),
    workers: int | None = None,
    check: bool = True,
    cache: bool = True,
    **execution: Any,
) -> WalkForward:
    """Choose the best of a grid on the past, apply it to what follows, step by step; give a `WalkForward`.

    Args:
        strategy: as for `backtest`.
        grid: as for `sweep`.
        symbol: instrument, in any spelling.
        timeframe: candle length.
        timerange: ``20240101-20240601``; everything when None.
        train: what each choice is made on: ``180d``, ``12h``, or a number of candles.
        test: what it is applied to.
        anchored: every training stretch starts at the first candle.
        lake: where the candles are, and where walk and combinations are stored; the default lake when None.
        data: your own candles instead, as a frame; nothing is stored then.
        params: parameters that are not swept.
        metric: the number whose largest value is the best.
        constraints: such as ``"fast < slow"``.
        workers: processes; None is one a core, started when the work is worth it.
        check: certify the last choice.
        cache: give the stored walk where there is one.
        execution: cash, fee, slippage, fill, leverage, short, stop_loss, take_profit, trailing_stop; venue_rules,
            participation and touch_fills as for `backtest`.

    Raises:
        UserError: those of `sweep`; TOO_FEW_BARS when not even one test fits.
    """
    from tallow.core.search import axes_of
    from tallow.domain.sweep import Search
    from tallow.flows.sweep import Walk
    from tallow.flows.sweep import walk_forward as run

    needed = (constraints,) if isinstance(constraints, str) else tuple(constraints)
    search = Search(axes_of(grid), goal=metric, constraints=needed)
    workspace = (lake or open()).workspace
    code = workspace.strategy(strategy, dict(params or {}))
    where = symbol if data is None else f"own:{symbol}"
    scene = workspace.scene(code, symbol=where, timeframe=timeframe, timerange=timerange, **execution)
    bars = None if data is None else take_bars(data)
    studio = replace(
        workspace.studio(scene if bars is None else None, code, workers=workers, check=check), gives_stored=cache
    )
    return WalkForward(run(scene, code, search, Walk(train, test, anchored), studio, bars), workspace, bars)
