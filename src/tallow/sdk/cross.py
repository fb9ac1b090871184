"""Cross-validate strategies from Python."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallow.domain.scene import Value
from tallow.domain.sweep import Method
from tallow.sdk.frames import give, take_bars
from tallow.sdk.lake import Lake, open
from tallow.sdk.research import Code
from tallow.sdk.results import Result

if TYPE_CHECKING:
    from tallow.app import Workspace
    from tallow.domain.columns import Bars
    from tallow.domain.evidence import Certificate
    from tallow.flows.replay import Replay
    from tallow.flows.sweep.cross_values import CrossValidationResult


class CrossValidation:
    """A cross-validation: `.paths`, `.splits`, `.choices`, `.result`, `.check`, `.replay()`, `.save(path)`."""

    def __init__(self, done: "CrossValidationResult", workspace: "Workspace", bars: "Bars | None" = None) -> None:
        self._done = done
        self._workspace = workspace
        self._bars = bars

    @property
    def key(self) -> str:
        """Content key; `tallow results show KEY` finds it again."""
        return self._done.result.key

    @property
    def digest(self) -> str:
        """sha256 of every number of every path."""
        return self._done.result.digest

    @property
    def result(self) -> Result:
        """The account of the path in the middle: `.equity`, `.trades`, `.score`, ..."""
        return Result(self._done.result, self._workspace, self._bars)

    @property
    def check(self) -> "Certificate | None":
        """The look-ahead certificate of what most splits chose; None means unproven."""
        return self._done.result.certificate

    @property
    def paths(self) -> Any:
        """Every metric of every path, one a row."""
        import polars as pl

        rows = [{"path": number, **path.metrics} for number, path in enumerate(self._done.paths)]
        return give(pl.DataFrame(rows, infer_schema_length=None), None)

    @property
    def splits(self) -> Any:
        """What every split held out, what it chose, and what that did, one a row."""
        import polars as pl

        rows = [
            {
                "held_out": " ".join(map(str, split.groups)), **split.parameters, "trained": split.trained,
                "tested": split.tested, "test_return": split.test_return,
            }
            for split in self._done.splits
        ]  # fmt: skip
        return give(pl.DataFrame(rows, infer_schema_length=None), None)

    @property
    def choices(self) -> list[tuple[dict[str, Value], int]]:
        """Every combination that was chosen, with how many splits chose it, most first."""
        from tallow.flows.sweep.cross_plain import choices

        return choices(self._done)

    def replay(self) -> "Replay":
        """Choose anew on the pinned data, without what is stored; `.equal` says whether every bit is the same.

        Raises:
            UserError: UNKNOWN_RESULT for one over your own candles, which is not stored.
        """
        return self._workspace.replay(self.key)

    def save(self, path: str) -> Path:
        """Write the HTML page; give its path."""
        from tallow.flows.sweep.cross_page import render

        if self._bars is None:
            return self._workspace.write_page(self._done, Path(path))
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(render(self._done, self._bars, colours=self._workspace.settings.palette), encoding="utf-8")
        return target

    def __repr__(self) -> str:
        from tallow.flows.sweep.cross_plain import text

        return text(self._done)


def cross_validate(  # noqa: PLR0913 - the options of a notebook call, by name
    strategy: Code,
    grid: Mapping[str, "Iterable[Value] | Value"],
    symbol: str = "BTC/USDT",
    timeframe: str = "1h",
    timerange: str | None = None,
    *,
    groups: int = 6,
    test_groups: int = 2,
    purge: str | int = 0,
    embargo: str | int | None = None,
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
) -> CrossValidation:
    """Choose the best of a grid on some groups of the data, apply it to those held out, in every combination.

    Args:
        strategy: as for `backtest`.
        grid: as for `sweep`.
        symbol: instrument, in any spelling.
        timeframe: candle length.
        timerange: ``20240101-20240601``; everything when None.
        groups: equal parts of the data.
        test_groups: held out at a time.
        purge: training candles dropped on both sides of what is held out: ``12h``, or a number.
        embargo: dropped beyond that after it; None is 1 % of all candles.
        lake: where the candles are, and where everything finished is stored; the default lake when None.
        data: your own candles instead, as a frame; nothing is stored then.
        params: parameters that are not swept.
        method: ``grid``, ``random``, ``latin`` or ``sobol``.
        trials: combinations to try; 0 is a whole grid, or 100 where they are drawn.
        seed: of everything drawn.
        metric: the number whose largest value is the best.
        constraints: such as ``"fast < slow"``.
        workers: processes; None is one a core, started when the work is worth it.
        check: certify what most splits chose.
        cache: give the stored cross-validation where there is one.
        execution: cash, fee, slippage, fill, leverage, short, stop_loss, take_profit, trailing_stop.

    Raises:
        UserError: those of `sweep`; TOO_FEW_BARS when a group is not longer than purge and embargo.
    """
    from tallow.core.search import axes_of
    from tallow.domain.sweep import Search
    from tallow.flows.sweep import Folding
    from tallow.flows.sweep import cross_validate as run

    needed = (constraints,) if isinstance(constraints, str) else tuple(constraints)
    search = Search(axes_of(grid), method, trials, seed, metric, needed)
    workspace = (lake or open()).workspace
    code = workspace.strategy(strategy, dict(params or {}))
    where = symbol if data is None else f"own:{symbol}"
    scene = workspace.scene(code, symbol=where, timeframe=timeframe, timerange=timerange, **execution)
    bars = None if data is None else take_bars(data)
    studio = replace(
        workspace.studio(scene if bars is None else None, code, workers=workers, check=check), gives_stored=cache
    )
    folding = Folding(groups, test_groups, purge, embargo)
    return CrossValidation(run(scene, code, search, folding, studio, bars), workspace, bars)
