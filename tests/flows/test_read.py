from dataclasses import replace

import pytest

from tallow.domain.errors import UserError
from tallow.domain.market import parse_symbol
from tallow.domain.ranges import TimeRange
from tallow.domain.scene import Scene
from tallow.flows.backtest import Desk, backtest
from tallow.ports import Strategy


def test_no_data_says_what_the_lake_holds(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    with pytest.raises(UserError, match="NO_DATA") as caught:
        backtest(replace(scene, instrument=parse_symbol("BTC/USDC")), hold(), desk)
    assert "BTC/USDT" in caught.value.facts["lake holds"]
    assert any("-s binance:BTC/USDT" in command for command in caught.value.commands)
    with pytest.raises(UserError, match="NO_DATA") as caught:
        backtest(replace(scene, range=TimeRange(0, 1)), hold(), desk)
    assert "196 candles" in caught.value.facts["lake holds 1h"]
    assert caught.value.exit_code == 3
