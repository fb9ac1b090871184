"""The decisions of a strategy that works with orders: what it sent, and at which close."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tallow.domain.columns import Floats, Targets
from tallow.domain.orders import KINDS, VALIDITIES, OrderLog
from tallow.domain.results import Ints, Result

MESSAGE = (
    "cancels", "kind", "side", "quantity", "price", "trigger", "trail", "validity", "good_till", "reduce_only", "group",
    "parent", "target",
)  # fmt: skip
"""Columns of a message. `cancels` is the id of an order to cancel, that of one to amend with a minus, and 0 submits;
`kind` and `validity` index `KINDS` and `VALIDITIES`; 0 stands where an order has no such value."""

_TARGET = KINDS.index("target")
_AT = {name: place for place, name in enumerate(MESSAGE)}


@dataclass(frozen=True)
class Sent:
    """Messages in the order in which they were sent; as long as the bars that they were decided on.

    The n-th message that submits makes the order with the id n, so that cancellations and parents hold when the
    messages are carried out again.

    Attributes:
        row: bar at whose close each was sent; ascending.
        message: one row a message, columns `MESSAGE`.
        count: bars.
        earlier: orders sent before the first message.

    Example:
        >>> sent_of(np.array([0.0, 1.0, 1.0])).words(1)
        'target 1'
    """

    row: Ints
    message: Floats
    count: int
    earlier: int = 0

    def __len__(self) -> int:
        return self.count

    def words(self, row: int) -> str:
        """Say what was sent at the close of a row."""
        said = [_words(message) for message in self.message[self.row == row]]
        return "; ".join(said) or "nothing"

    def column(self, name: str) -> Floats:
        """Give one of the columns `MESSAGE`."""
        column: Floats = self.message[:, _AT[name]]
        return column

    def since(self, row: int) -> "Sent":
        """Give the messages from a row on, as if it were the first."""
        first = int(np.searchsorted(self.row, row))
        earlier = self.earlier + int(np.count_nonzero(self.column("cancels")[:first] == 0))
        return Sent(self.row[first:] - row, self.message[first:], max(0, self.count - row), earlier)

    @property
    def relative(self) -> Floats:
        """The messages with ids counted back from the order sent last, so that runs can be compared."""
        counted = self.message.copy()
        last = self.earlier + np.cumsum(counted[:, _AT["cancels"]] == 0)
        for name, sign in (("cancels", 1), ("cancels", -1), ("parent", 1), ("group", -1)):
            column, given = counted[:, _AT[name]], self.message[:, _AT[name]]
            named = sign * given > 0
            column[named] = sign * (1 + last[named] - sign * column[named])
        return counted


Decisions = Targets | Sent
"""What a strategy decides: a target a bar, or what it sent at which close."""


def sent_of(decisions: Decisions) -> Sent:
    """Give decisions as messages: a target that changes is sent, one that is kept (NaN) is not."""
    if isinstance(decisions, Sent):
        return decisions
    targets = np.asarray(decisions, np.float64)
    last = np.maximum.accumulate(np.where(np.isnan(targets), -1, np.arange(len(targets))))
    held = np.where(last < 0, 0.0, targets[last]) if len(targets) else targets
    row: NDArray[np.int64] = np.flatnonzero(held != np.concatenate(([0.0], held))[: len(held)]).astype(np.int64)
    message = np.zeros((len(row), len(MESSAGE)))
    message[:, _AT["kind"]], message[:, _AT["target"]] = _TARGET, held[row]
    return Sent(row, message, len(targets))


def order_arrays(result: Result) -> dict[str, NDArray[Any]]:
    """Give what a result knows of orders as arrays under flat names; `orders_of` reads them back."""
    parts = {"sent": result.sent, "orders": result.orders}
    return {
        f"{name}.{item.name}": np.asarray(getattr(part, item.name))
        for name, part in parts.items()
        if part is not None
        for item in fields(part)
    }


def orders_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Give the fields of a result that `order_arrays` gave; none for a strategy that sets targets.

    Raises:
        KeyError: when an array is missing.
    """
    if "sent.row" not in arrays:
        return {}
    count, earlier = int(arrays["sent.count"]), int(arrays["sent.earlier"])
    log = OrderLog(**{item.name: arrays[f"orders.{item.name}"] for item in fields(OrderLog)})
    return {"sent": Sent(arrays["sent.row"], arrays["sent.message"], count, earlier), "orders": log}


def words_at(decisions: Decisions, row: int) -> float | str | None:
    """Give what was decided at a row: a number or words; None where there is no such row."""
    if row >= len(decisions):
        return None
    return decisions.words(row) if isinstance(decisions, Sent) else float(decisions[row])


def _words(message: Floats) -> str:
    said = dict(zip(MESSAGE, message.tolist(), strict=True))
    if said["cancels"]:
        changed = [f"{name} {said[name]:.10g}" for name in ("quantity", "price", "trigger") if said[name]]
        number = abs(said["cancels"])
        return " ".join(["cancel" if said["cancels"] > 0 else "amend", f"{number:.0f}", *changed])
    kind = KINDS[int(said["kind"])]
    if kind == "target":
        return f"target {said['target']:.10g}"
    levels = {"limit": ("price",), "stop_limit": ("trigger", "price"), "trailing_stop": ("trail",)}
    values = [f"{said[name]:.10g}" for name in levels.get(kind, ("trigger",)) if said[name]]
    extra = [f"{name} {said[name]:.0f}" for name in ("good_till", "group", "parent") if said[name]]
    extra = ["reduce only", *extra] if said["reduce_only"] else extra
    validity = VALIDITIES[int(said["validity"])]
    return " ".join(
        [
            "buy" if said["side"] > 0 else "sell",
            f"{said['quantity']:.10g}",
            kind.replace("_", " "),
            *values,
            *([] if validity == "gtc" else [validity.replace("_", " ")]),
            *extra,
        ]
    )
