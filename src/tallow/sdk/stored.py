"""Stored results from Python: list them, open one by the first digits of its key."""

from typing import TYPE_CHECKING, Any

from tallow.domain.results import Result as Stored
from tallow.domain.sweep import WalkForwardResult
from tallow.sdk.cross import CrossValidation
from tallow.sdk.frames import As, give
from tallow.sdk.portfolios import Portfolio
from tallow.sdk.results import Result
from tallow.sdk.sweeps import WalkForward

if TYPE_CHECKING:
    from tallow.app import Workspace
    from tallow.flows.replay import Replay


class Results:
    """The results stored in a lake: `.list()`, `.open(key)`, `.replay(key)`, `.remove(key)`."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def list(self, limit: int = 50, *, as_: As | None = None) -> Any:
        """Give the newest results of all kinds first, one a row, with their metrics."""
        import polars as pl

        rows = self._workspace.records.list(limit)
        names = ("key", "kind", "created", "strategy", "instrument", "timeframe", "verdict", "score", "digest")
        plain = [{**{name: row[name] for name in names}, **_metrics(row["metrics"])} for row in rows]
        frame = pl.DataFrame(plain, infer_schema_length=None)
        return give(frame.with_columns(pl.col("created").cast(pl.Datetime("us", "UTC"))) if rows else frame, as_)

    def open(self, key: str) -> Result | Portfolio | WalkForward | CrossValidation:
        """Open the result whose key starts with `key`.

        Raises:
            UserError: UNKNOWN_RESULT, AMBIGUOUS_KEY.
        """
        from tallow.flows.sweep.cross_values import CrossValidationResult

        found = self._workspace.stored(key)
        if isinstance(found, WalkForwardResult):
            return WalkForward(found, self._workspace)
        if isinstance(found, CrossValidationResult):
            return CrossValidation(found, self._workspace)
        return Result(found, self._workspace) if isinstance(found, Stored) else Portfolio(found, self._workspace)

    def replay(self, key: str) -> "Replay":
        """Run a stored result again on its pinned data; `.equal` says whether every bit is the same."""
        return self._workspace.replay(key)

    def remove(self, key: str) -> int:
        """Delete the result with this very key; give how many were deleted."""
        return self._workspace.records.remove(key)


def _metrics(found: object) -> dict[str, Any]:
    return {str(name): value for name, value in found.items()} if isinstance(found, dict) else {}
