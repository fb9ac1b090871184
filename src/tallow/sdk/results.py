"""Results as a notebook wants them: numbers, frames, a picture, a replay."""

import webbrowser
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallow.domain.evidence import Certificate
from tallow.domain.orders import KINDS, REASONS, STATES, OrderLog
from tallow.domain.results import EXIT_REASONS, FillLog, Run, TradeLog
from tallow.sdk.frames import As, give

if TYPE_CHECKING:
    import polars as pl

    from tallow.app import Workspace
    from tallow.core.honesty import HonestScore, Startup
    from tallow.domain.columns import Bars
    from tallow.domain.results import Result as Stored
    from tallow.flows.replay import Replay

MOMENTS = ("time", "entry_time", "exit_time")


class Result:
    """A backtest: `.metrics`, `.equity`, `.trades`, `.orders`, `.incidents`, `.check`, `.score`, `.ladder`, ...

    Frames are pandas; `.frame(name, as_="polars")` gives the others.
    """

    def __init__(self, stored: "Stored", workspace: "Workspace", bars: "Bars | None" = None) -> None:
        self._stored = stored
        self._workspace = workspace
        self._bars = bars

    @property
    def metrics(self) -> dict[str, float | int | None]:
        """Every metric under its canonical name; None where it is undefined."""
        return dict(self._stored.metrics)

    @property
    def key(self) -> str:
        """Content key: scene, table versions, source and engine; `tallow results show KEY` finds it again."""
        return self._stored.key

    @property
    def digest(self) -> str:
        """sha256 of every number of the run."""
        return self._stored.digest

    @property
    def equity(self) -> Any:
        """Value of the account at every bar's close, quote units: a Series indexed by bar open."""
        return self.frame("equity")["equity"]

    @property
    def trades(self) -> Any:
        """Round trips, one a row."""
        return self.frame("trades")

    @property
    def orders(self) -> Any:
        """Orders and what became of each; of a strategy that sets targets, whose orders fill at once, its fills."""
        return self.frame("orders")

    @property
    def fills(self) -> Any:
        """Fills, one a row."""
        return self.frame("fills")

    @property
    def incidents(self) -> Any:
        """What was wrong with the data inside the range."""
        return self.frame("incidents")

    @property
    def check(self) -> Certificate | None:
        """The look-ahead certificate; None means unproven."""
        return self._stored.certificate

    @property
    def score(self) -> "HonestScore | None":
        """What is left of the Sharpe ratio once trials, chance and length are counted; None means not scored."""
        from tallow.flows.report.honesty import score_of

        return score_of(self._stored)

    @property
    def ladder(self) -> Any:
        """Returns of the same decisions under other executions and costs, one a row."""
        return self.frame("ladder")

    def frame(self, name: str, as_: As | None = None) -> Any:
        """Give ``equity trades orders fills incidents`` or ``ladder`` as pandas, Polars or Arrow."""
        import polars as pl

        run = self._stored.run
        if name == "equity":
            return give(frame_of(run, ("time", "equity", "position", "target")), as_, index="time")
        if name == "trades":
            return give(frame_of(run.trades), as_)
        if name == "orders" and self._stored.orders is not None:
            return give(order_frame(self._stored.orders), as_)
        if name in ("orders", "fills"):
            return give(frame_of(run.fills), as_)
        if name == "ladder":
            return give(pl.DataFrame([asdict(rung) for rung in self._stored.ladder], schema=_RUNG), as_)
        rows = [{item.name: getattr(one, item.name) for item in fields(one)} for one in self._stored.incidents]
        frame = pl.DataFrame(rows, schema=_INCIDENT)
        return give(frame.with_columns(pl.col("start", "end").cast(pl.Datetime("us", "UTC"))), as_)

    def plot(self) -> "Plot":
        """Give a picture: shown by a notebook, opened in the browser by ``.show()``."""
        return Plot(self)

    def report(self, path: str = "report.html") -> Path:
        """Write the full self-contained page; give its path."""
        return self._workspace.write_report(self._stored, Path(path), self._bars)

    def replay(self) -> "Replay":
        """Run the stored source on the pinned data again; `.equal` says whether every bit is the same."""
        return self._workspace.replay_result(self._stored, self._bars)

    def to_dict(self) -> dict[str, Any]:
        """Give everything but the arrays as plain values."""
        return self._workspace.describe(self._stored)

    def __repr__(self) -> str:
        return self._workspace.text(self._stored)

    def _repr_html_(self) -> str:
        return self._workspace.fragment(self._stored, self._bars)


class Plot:
    """A result's picture."""

    def __init__(self, result: Result) -> None:
        self._result = result

    def __repr__(self) -> str:
        return "Plot: a notebook shows it; .show() writes the report and opens it in the browser"

    def show(self, path: str = "report.html") -> Path:
        """Write the report and open it in the browser."""
        written = self._result.report(path)
        webbrowser.open(written.absolute().as_uri())
        return written

    def _repr_html_(self) -> str:
        return self._result._repr_html_()


class Check:
    """A look-ahead certificate as a notebook wants it; `startup` says how many bars must come first."""

    def __init__(self, certificate: Certificate, startup: "Startup | None" = None) -> None:
        self.certificate = certificate
        self.startup = startup

    @property
    def verdict(self) -> str:
        """``certified``, ``leaky`` or ``unknown``."""
        return self.certificate.verdict

    def __bool__(self) -> bool:
        return self.certificate.verdict == "certified"

    def __repr__(self) -> str:
        found = "".join(
            f"\n  row {one.row} ({one.kind}): {' -> '.join(one.outputs)} {one.location} {one.source}"
            for one in self.certificate.findings
        )
        settled = f"\n  start-up: {self.startup.words}" if self.startup else ""
        return f"{self.certificate.verdict}: {self.certificate.reason}{found}{settled}"


_RUNG = {"kind": str, "label": str, "return_pct": float, "assumption": str}
_INCIDENT = {"kind": str, "start": int, "end": int, "count": int, "exposed": bool, "profit": float}


def order_frame(log: OrderLog) -> "pl.DataFrame":
    """Give every order as a row: kinds, states and reasons as words, null where an order has no such value."""
    import polars as pl

    words = {"kind": KINDS, "state": STATES, "reason": REASONS, "side": ("target", "buy", "sell")}
    columns = {item.name: getattr(log, item.name) for item in fields(log)}
    frame = pl.DataFrame(
        {
            name: [words[name][value] for value in column.tolist()] if name in words else column
            for name, column in columns.items()
        }
    )
    never = pl.when(pl.col("end_row") >= 0)
    frame = frame.with_columns(never.then(pl.col(name)) for name in ("end_row", "end_time"))
    frame = frame.with_columns(pl.col(pl.Float64).fill_nan(None))
    return frame.with_columns(pl.col(name).cast(pl.Datetime("us", "UTC")) for name in ("time", "end_time"))


def frame_of(part: "Run | TradeLog | FillLog", names: tuple[str, ...] = ()) -> "pl.DataFrame":
    """Give columns of a run or log as a frame: moments as times, reasons as words."""
    import polars as pl

    wanted = names or tuple(item.name for item in fields(part))
    frame = pl.DataFrame({name: getattr(part, name) for name in wanted})
    if "reason" in wanted:
        words = dict(enumerate(EXIT_REASONS))
        frame = frame.with_columns(pl.col("reason").replace_strict(words, return_dtype=pl.String))
    return frame.with_columns(pl.col(name).cast(pl.Datetime("us", "UTC")) for name in wanted if name in MOMENTS)
