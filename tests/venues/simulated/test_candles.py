import numpy as np
import pytest

from tallow.domain.ranges import parse_time
from tallow.domain.timeframes import DAY, HOUR, MINUTE, WEEK, parse_timeframe
from tallow.venues.simulated.candles import Scale, aggregate, opens_between

START = parse_time("2024-02-28")


@pytest.mark.parametrize(
    ("frame", "start", "end", "first", "count"),
    [
        ("1h", START, START + DAY, START, 24),
        ("1h", START + 1, START + DAY, START + HOUR, 23),
        ("1h", START, START + DAY - 1, START, 23),
        ("1w", START, START + 4 * WEEK, parse_time("2024-03-04"), 3),
        ("1M", START, parse_time("2024-05-01"), parse_time("2024-03-01"), 2),
        ("1M", parse_time("2024-02-01"), parse_time("2024-05-01"), parse_time("2024-02-01"), 3),
        ("3d", START, START + 2 * DAY, 0, 0),
    ],
)
def test_opens_lie_inside_and_closes_too(frame, start, end, first, count):
    opens = opens_between(parse_timeframe(frame), start, end)
    assert len(opens) == count
    assert count == 0 or opens[0] == first


def test_candles_add_minutes_up_and_carry_the_price_over_silence():
    #                 open high low close n lots value buy buy_value
    minutes = np.array(
        [
            [100, 105, 99, 103, 3, 30, 3_000, 10, 1_000],
            [0, 0, 0, 0, 0, 0, 0, 0, 0],
            [104, 104, 101, 102, 2, 20, 2_050, 20, 2_050],
            [0, 0, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0, 0],
            [90, 95, 90, 95, 1, 5, 475, 0, 0],
        ]
    )
    opens = START + np.arange(0, 6, 1) * MINUTE
    bars = aggregate(minutes, START, opens, opens + MINUTE, Scale(1, 2), 77)
    assert bars.close.tolist() == [10.3, 10.3, 10.2, 10.2, 10.2, 9.5]
    assert bars.trades.tolist() == [3, 0, 2, 0, 0, 1]
    bars = aggregate(minutes, START, opens[[0, 3]], opens[[0, 3]] + 3 * MINUTE, Scale(1, 2), 77)
    assert (bars.open.tolist(), bars.high.tolist()) == ([10.0, 9.0], [10.5, 9.5])
    assert (bars.low.tolist(), bars.close.tolist()) == ([9.9, 9.0], [10.2, 9.5])
    assert (bars.volume.tolist(), bars.quote_volume.tolist()) == ([0.5, 0.05], [5.05, 0.475])
    assert (bars.taker_buy_volume.tolist(), bars.taker_buy_quote_volume.tolist()) == ([0.3, 0.0], [3.05, 0.0])


def test_before_the_first_trade_stands_the_first_price():
    bars = aggregate(
        np.zeros((2, 9), np.int64), START, np.array([START]), np.array([START + 2 * MINUTE]), Scale(1, 2), 77
    )
    assert (bars.open[0], bars.close[0], bars.volume[0]) == (7.7, 7.7, 0.0)
