from tallow.domain.scene import Scene
from tallow.domain.timeframes import HOUR
from tallow.flows.backtest import Desk, backtest
from tallow.ports import Strategy

START = 1_704_067_200_000_000


def test_gaps_are_incidents_with_the_profit_across_them(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    result = backtest(scene, hold(), desk)
    gap = next(one for one in result.incidents if one.kind == "MISSING")
    assert (gap.start, gap.end, gap.count) == (START + 100 * HOUR, START + 104 * HOUR, 4)
    assert gap.exposed
    assert gap.profit == result.run.equity[100] - result.run.equity[99]
