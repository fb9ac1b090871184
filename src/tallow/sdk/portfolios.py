"""Carry out weights of several symbols from Python."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tallow.domain.scene import Value
from tallow.sdk.frames import As, give
from tallow.sdk.lake import Lake, open
from tallow.sdk.results import frame_of

if TYPE_CHECKING:
    from tallow.app import Workspace
    from tallow.core.honesty import HonestScore
    from tallow.core.portfolio import PortfolioRun, Rebalance
    from tallow.domain.columns import Floats
    from tallow.domain.evidence import Certificate
    from tallow.flows.portfolio import Book, PortfolioResult
    from tallow.flows.replay import Replay


class Portfolio:
    """A portfolio as it was carried out: `.metrics`, `.equity`, `.positions`, `.weights`, `.trades`, `.check`, ...

    Frames are pandas; `.frame(name, as_="polars")` gives the others. It is not stored.
    """

    def __init__(self, done: "PortfolioResult", workspace: "Workspace") -> None:
        self._done = done
        self._workspace = workspace

    @property
    def metrics(self) -> dict[str, float | int | None]:
        """Every metric of the account under its canonical name; None where it is undefined."""
        return dict(self._done.metrics)

    @property
    def key(self) -> str:
        """Content key: weights, rules, instruments, table versions and engine; `tallow results show KEY` finds it."""
        return self._done.key

    @property
    def digest(self) -> str:
        """sha256 of every number of the run."""
        return self._done.digest

    @property
    def run(self) -> "PortfolioRun":
        """Everything the engine left behind, as arrays."""
        return self._done.run

    @property
    def check(self) -> "Certificate | None":
        """The look-ahead certificate of the weights; None means unproven."""
        return self._done.certificate

    certificate = check

    @property
    def equity(self) -> Any:
        """Value of the account at every bar's close, quote units: a Series indexed by bar open."""
        return self.frame("equity")["equity"]

    @property
    def positions(self) -> Any:
        """Quantity held at every close, one column a symbol; negative for shorts."""
        return self.frame("positions")

    @property
    def weights(self) -> Any:
        """Fraction of the equity held at every close, one column a symbol; not what was asked for: see `targets`."""
        return self.frame("weights")

    @property
    def targets(self) -> Any:
        """Weights asked for at every close, one column a symbol, NaN resolved to the last."""
        return self.frame("targets")

    @property
    def trades(self) -> Any:
        """Round trips of all symbols, one a row, in the order of the symbols."""
        return self.frame("trades")

    @property
    def instruments(self) -> Any:
        """Profit, trades, fees, exposure and incidents of every symbol, one a row."""
        return self.frame("instruments")

    @property
    def score(self) -> "HonestScore | None":
        """What is left of the Sharpe ratio once trials, chance and length are counted."""
        from tallow.flows.portfolio.trust import account
        from tallow.flows.report.honesty import score_of

        return score_of(account(self._done))

    @property
    def ladder(self) -> Any:
        """Returns of the same weights under other executions and costs, one a row."""
        import polars as pl

        return give(pl.DataFrame([asdict(rung) for rung in self._done.ladder]), None)

    def replay(self) -> "Replay":
        """Run the stored source on the pinned data again; `.equal` says whether every bit is the same."""
        return self._workspace.replay(self.key)

    def report(self, path: str = "report.html") -> Path:
        """Write the full self-contained page; give its path."""
        return self._workspace.write_page(self._done, Path(path))

    def frame(self, name: str, as_: As | None = None) -> Any:
        """Give ``equity``, ``positions``, ``weights``, ``targets``, ``trades`` or ``instruments`` as any frame."""
        import polars as pl

        if name == "trades":
            logs = zip(self.run.symbols, self.run.trades, strict=True)
            return give(pl.concat([frame_of(log).insert_column(0, pl.lit(s).alias("symbol")) for s, log in logs]), as_)
        if name == "instruments":
            return give(pl.DataFrame([self._row(place) for place in range(len(self.run.symbols))]), as_)
        columns = self._columns(name)
        time = pl.Series("time", self.run.time).cast(pl.Datetime("us", "UTC"))
        return give(pl.DataFrame({"time": time, **columns}), as_, index="time")

    def _columns(self, name: str) -> "dict[str, Floats]":
        from tallow.domain.errors import UserError

        run = self.run
        if name == "equity":
            return {"equity": run.equity, "cash": run.cash}
        places = {symbol: place for place, symbol in enumerate(run.symbols)}
        if name == "targets":
            return {symbol: run.target(place) for symbol, place in places.items()}
        tables = {"positions": run.positions, "weights": run.weights} if name in ("positions", "weights") else {}
        if name not in tables:
            valid = "equity, positions, weights, targets, trades, instruments"
            raise UserError("BAD_PARAMETER", f"{name!r} is no frame of a portfolio", facts={"valid": valid})
        return {symbol: tables[name][:, place] for symbol, place in places.items()}

    def _row(self, place: int) -> dict[str, Any]:
        one = self._done.instruments[place]
        names = ("symbol", "bars", "profit", "trades", "open_trades", "fees", "exposure_pct", "stale_marks")
        return {**{name: getattr(one, name) for name in names}, "incidents": len(one.incidents)}

    def to_dict(self) -> dict[str, Any]:
        """Give everything but the arrays as plain values."""
        from tallow.flows.portfolio.plain import describe

        return describe(self._done)

    def __repr__(self) -> str:
        from tallow.flows.portfolio.plain import text

        return text(self._done)


def portfolio(  # noqa: PLR0913 - the options of a notebook call, by name
    weights: str | Callable[..., Any],
    symbols: Sequence[str],
    timeframe: str = "1h",
    timerange: str | None = None,
    *,
    lake: Lake | None = None,
    params: Mapping[str, Value] | None = None,
    rebalance: "str | Rebalance" = "change",
    margin: Literal["isolated", "cross"] = "isolated",
    check: bool = True,
    cache: bool = True,
    **execution: Any,
) -> Portfolio:
    """Carry out target weights of several symbols in one account and give a `Portfolio`.

    Args:
        weights: a function `weights(frames, *, ...)` with frames as symbol -> DataFrame, which gives one row a time of
            the union of all times and one column a symbol; the path of a file with one; or ``equal_weight``,
            ``inverse_volatility``, ``momentum``.
        symbols: instruments, in any spelling.
        timeframe: candle length.
        timerange: ``20240101-20240601``; everything when None.
        lake: where the candles are; the default lake when None.
        params: parameters of the weights.
        rebalance: ``change``, ``daily``, ``weekly``, ``monthly``, ``every:24`` or ``drift:0.05``.
        margin: ``isolated`` or ``cross``.
        check: also certify that the weights do not see the future.
        cache: give the stored result of this very portfolio, where there is one.
        execution: cash, fee, slippage, fill, leverage, short, stop_loss, take_profit, trailing_stop, days; venue_rules
            as for `backtest`: each symbol has its own, from the lake, or from a file with a column of symbols.

    Raises:
        UserError: NO_DATA, NO_INSTRUMENTS, WEIGHTS_SHAPE, WEIGHTS_TOO_LARGE, ...: each says what is valid.
    """
    book = book_of(weights, symbols, params, rebalance, margin)
    workspace = (lake or open()).workspace
    asked = {"timeframe": timeframe, "timerange": timerange, **execution}
    return Portfolio(workspace.portfolio(book, check=check, cache=cache, **asked), workspace)


def book_of(
    weights: str | Callable[..., Any],
    symbols: Sequence[str],
    params: Mapping[str, Value] | None,
    rebalance: "str | Rebalance",
    margin: Literal["isolated", "cross"],
) -> "Book":
    """Read symbols, weights and the rules of the account."""
    from tallow.core.portfolio import AccountRules
    from tallow.flows.portfolio import Book, parse_rebalance
    from tallow.runners.weights import load_weights

    rule = parse_rebalance(rebalance) if isinstance(rebalance, str) else rebalance
    named = [symbols] if isinstance(symbols, str) else symbols
    return Book(named, load_weights(weights, params), AccountRules(rule, margin))
