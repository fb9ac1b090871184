from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tallow.core.portfolio import AccountRules, EveryBars
from tallow.domain.columns import Bars, Floats
from tallow.domain.scene import Value
from tallow.domain.timeframes import HOUR, Timeframe, parse_timeframe
from tallow.flows.portfolio import Book
from tallow.flows.portfolio.certify import in_force

LENGTH = parse_timeframe("1h")


@dataclass(frozen=True)
class Given:
    """Weights of one instrument as they stand in a table, cut to the bars."""

    table: tuple[float, ...] = ()
    name: str = "given"
    source: str = "a table"
    file: str = "given.py"
    parameters: Mapping[str, Value] = field(default_factory=dict)

    def with_clock_moved(self) -> "tuple[Given, ...]":
        return ()

    def weigh(self, bars: Mapping[str, Bars], timeframe: Timeframe) -> Floats:
        (own,) = bars.values()
        return np.array(self.table)[: len(own), None]


def test_the_weights_in_force_are_those_of_the_last_decision() -> None:
    nan = float("nan")
    bars = {"A/USDT": Bars.of(np.arange(6) * HOUR, (np.ones(6),) * 5)}
    given = Given(table=(nan, 0.2, nan, 0.5, nan, 0.7))
    asked = in_force(Book(["A/USDT"], given), LENGTH, bars)
    assert np.array_equal(asked[:, 0], np.array(given.table), equal_nan=True)
    every = in_force(Book(["A/USDT"], given, AccountRules(EveryBars(2))), LENGTH, bars)
    assert every[:, 0].tolist() == [0.0, 0.0, 0.2, 0.2, 0.5, 0.5]
    none = in_force(Book(["A/USDT"], given, AccountRules(EveryBars(2))), LENGTH, {"A/USDT": bars["A/USDT"][:0]})
    assert none.shape == (0, 1)
