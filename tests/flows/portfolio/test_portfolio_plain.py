from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from tallow.core.portfolio import AccountRules, EveryBars
from tallow.domain.columns import Bars, Floats
from tallow.domain.scene import Execution, Scene, Value
from tallow.domain.timeframes import Timeframe
from tallow.flows.backtest import Desk
from tallow.flows.portfolio import Book, portfolio
from tallow.flows.portfolio.plain import counters, describe, footing, headline, instrument_table, text


@dataclass(frozen=True)
class Half:
    name: str = "half"
    source: str = "half at every row"
    file: str = "half.py"
    parameters: Mapping[str, Value] = field(default_factory=lambda: {"share": 0.5})

    def with_clock_moved(self) -> "tuple[Half, ...]":
        return ()

    def weigh(self, bars: Mapping[str, Bars], timeframe: Timeframe) -> Floats:
        (own,) = bars.values()
        return np.full((len(own), 1), 0.5)


def test_a_portfolio_is_written_as_text_and_as_values(desk: Desk, scene: Scene) -> None:
    done = portfolio(Book(["BTC/USDT"], Half(), AccountRules(EveryBars(24))), [scene], desk)
    words = headline(done).splitlines()
    assert words[0] == "half (share=0.5) on BTC/USDT 1h"
    assert words[1] == "2024-01-01..2024-01-09T08:00Z, 196 rows, rebalanced every 24 bars"
    shown = dict(line.rsplit("  ", 1) for line in words[3:])
    assert [value.strip() for name, value in shown.items() if name.strip() == "Open trades"] == ["1"]
    foot = footing(done).splitlines()
    assert foot[0].startswith("counted   0 stale marks, 0 shrunk purchases, 0 liquidations")
    assert foot[1].startswith("read      binance:BTC/USDT: gold.candles v")
    assert foot[2] == f"digest    {done.digest}"
    assert foot[3] == f"repeat    tallow results replay {done.key[:12]}"
    cells = [line.split() for line in instrument_table(done).splitlines()]
    assert (cells[0][0], cells[1][0], cells[1][1]) == ("symbol", "BTC/USDT", "196")
    said = text(done)
    for part in (headline(done), instrument_table(done), footing(done), "Deflated Sharpe ratio", "Break-even cost"):
        assert part in said
    assert "Random entries, p-value" in said
    assert "1, 1 with the position of their instrument open" in said


def test_values_hold_everything_but_the_arrays(desk: Desk, scene: Scene) -> None:
    free = Scene("half", scene.instrument, scene.timeframe, execution=Execution(maker_fee=0.0, taker_fee=0.0))
    done = portfolio(Book(["BTC/USDT"], Half()), [free], desk, check=False)
    values = describe(done)
    assert values["certificate"] is None
    assert values["notes"] == ["NO COSTS: fees and slippage are 0"]
    assert values["rules"] == {"rebalance": "on change", "margin": "isolated"}
    assert (values["first"], values["last"], values["rows"]) == ("2024-01-01", "2024-01-09T07:00Z", 196)
    assert values["counters"] == counters(done)
    (one,) = values["instruments"]
    assert (one["instrument"], one["bars"], one["open_trades"]) == ("binance:BTC/USDT", 196, 1)
    assert one["profit"] == pytest.approx(done.metrics["final_equity"] - 10_000.0)
    assert [(gap["kind"], gap["exposed"]) for gap in one["incidents"]] == [("MISSING", True)]
