"""Sealed holdouts of a lake as a notebook wants them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from tallow.domain.ranges import parse_time
from tallow.domain.scene import Value
from tallow.domain.timeframes import parse_timeframe
from tallow.sdk.frames import As, give
from tallow.sdk.portfolios import Portfolio, book_of
from tallow.sdk.results import Result

if TYPE_CHECKING:
    from tallow.app import Workspace
    from tallow.core.portfolio import Rebalance
    from tallow.domain.holdout import Seal


class Holdouts:
    """The sealed parts of a lake: `.seal()`, `.open()`, `.open_portfolio()`, `.list()`."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def seal(self, symbol: str, timeframe: str = "1h", *, start: str) -> "Seal":
        """Set everything of an instrument from `start` on aside, in candles of every length, for ever.

        Raises:
            UserError: NO_DATA, BAD_PARAMETER; SEALED when it is sealed from an earlier moment on.
        """
        from tallow.flows.holdout import seal

        space = self._workspace
        return seal(space.instrument(symbol), parse_timeframe(timeframe), parse_time(start), space.desk())

    def open(
        self,
        strategy: str | Callable[..., Any] | type,
        symbol: str = "BTC/USDT",
        timeframe: str | None = None,
        *,
        params: Mapping[str, Value] | None = None,
        check: bool = True,
        **execution: Any,
    ) -> Result:
        """Run a strategy once on the sealed part; the same version gets the recorded result from then on.

        Raises:
            UserError: NOT_SEALED, and those of a backtest.
        """
        from tallow.flows.holdout import open_holdout

        space = self._workspace
        code = space.strategy(strategy, dict(params or {}))
        scene = space.scene(code, symbol=symbol, timeframe=timeframe, **execution)
        space.build_candles(scene)
        return Result(open_holdout(scene, code, space.desk(check=check)).result, space)

    def open_portfolio(  # noqa: PLR0913 - the options of a notebook call, by name
        self,
        weights: str | Callable[..., Any],
        symbols: Sequence[str],
        timeframe: str = "1h",
        *,
        params: Mapping[str, Value] | None = None,
        rebalance: "str | Rebalance" = "change",
        margin: Literal["isolated", "cross"] = "isolated",
        check: bool = True,
        **execution: Any,
    ) -> Portfolio:
        """Carry out weights once on the sealed part of all their symbols; the same version gets the recorded result.

        What is opened begins where the last of the seals does.

        Raises:
            UserError: NOT_SEALED, and those of a portfolio.
        """
        book = book_of(weights, symbols, params, rebalance, margin)
        done = self._workspace.open_holdouts(book, check=check, timeframe=timeframe, **execution)
        return Portfolio(done.result, self._workspace)

    def list(self, as_: As | None = None) -> Any:
        """List every opening: instrument, first moment sealed, version, strategy, when, result."""
        import polars as pl

        looks = [{**vars(one)} for one in self._workspace.records.openings()]
        frame = pl.DataFrame(looks, schema=_OPENING).with_columns(
            pl.col("start", "opened").cast(pl.Datetime("us", "UTC"))
        )
        return give(frame, as_)

    def __repr__(self) -> str:
        from tallow.flows.seals import holdouts

        found = (f"{one.seal.instrument}: {one.words}" for one in holdouts(self._workspace.records))
        return "\n".join(found) or "nothing is sealed"


_OPENING = {
    "instrument": str, "start": int, "version": str, "strategy": str, "opened": int, "key": str, "number": int,
}  # fmt: skip
