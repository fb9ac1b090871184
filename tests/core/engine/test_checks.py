import numpy as np
import pytest

from tallow.core.engine import prepare, run
from tallow.core.engine.checks import Market
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.errors import DataError, UserError
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE, SECOND

COLUMNS = ("open", "high", "low", "close", "volume")


def make_bars(count=5, **changed):
    columns = {name: np.full(count, 100.0) for name in COLUMNS}
    for name, (row, value) in changed.items():
        columns[name][row] = value
    return Bars.of(np.arange(count) * MINUTE, tuple(columns[name] for name in COLUMNS))


@pytest.mark.parametrize("name", COLUMNS[:4])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -1.0])
def test_a_price_that_is_not_positive_and_finite_is_refused(name, value):
    with pytest.raises(DataError, match="bar 3 at 1970-01-01T00:03Z") as caught:
        prepare(make_bars(**{name: (3, value)}))
    assert (caught.value.code, caught.value.facts[name]) == ("BAD_BARS", str(value))


def test_the_first_bad_row_is_named_wherever_it_is():
    for row in (0, 4_095, 4_096, 9_999):
        with pytest.raises(DataError) as caught:
            prepare(make_bars(10_000, low=(row, np.nan)))
        assert caught.value.facts["row"] == str(row)


@pytest.mark.parametrize("second", [0, -MINUTE])
def test_times_must_rise(second):
    bars = make_bars()
    bars.time[2] = bars.time[1] + second
    with pytest.raises(DataError, match=r"bar 2 at .* not after") as caught:
        prepare(bars)
    assert caught.value.code == "BAD_BARS"


def test_columns_must_be_of_one_length():
    prices = np.full(3, 1.0)
    with pytest.raises(DataError, match="differ in length") as caught:
        prepare(Bars.of(np.arange(4), (prices, prices, prices, prices, prices)))
    assert caught.value.facts["time"] == "4"


def test_volume_may_be_unknown():
    assert len(prepare(make_bars(volume=(1, np.nan)))) == 5


def test_what_is_prepared_is_not_prepared_again():
    market = prepare(make_bars())
    assert isinstance(market, Market)
    assert prepare(market) is market


def test_the_callers_arrays_stay_writeable():
    bars = make_bars()
    prepare(bars)
    bars.close[0] = 5.0
    assert bars.close.flags.writeable


@pytest.mark.parametrize(
    ("offset", "row", "opening", "inside"),
    [
        (0, 1, 0.1, 0),
        (7_000, 1, 0.1, 0),
        (SECOND, 1, 0.1, 0),
        (SECOND + 1, 1, 0, 0.1),
        (-1, 0, 0, 0.1),
        (MINUTE - 1, 1, 0, 0.1),
    ],
)
def test_funding_belongs_to_a_bar_and_to_its_open_within_a_second(offset, row, opening, inside):
    found = prepare(make_bars(), FundingRates(np.array([MINUTE + offset]), np.array([0.1]))).columns
    assert (found.funding_row.tolist(), found.funding_open.tolist()) == ([row], [opening])
    assert found.funding_inside.tolist() == [inside]


def test_funding_outside_the_bars_is_left_out_and_several_rates_add_up():
    times = np.array([9 * MINUTE, 2 * MINUTE, -1, 2 * MINUTE + 5, 5 * MINUTE, 5 * MINUTE - 1])
    found = prepare(make_bars(), FundingRates(times, np.array([9, 0.1, 9, 0.2, 9, 0.4]))).columns
    assert found.funding_row.tolist() == [2, 4]
    assert found.funding_open.tolist() == pytest.approx([0.3, 0])
    assert found.funding_inside.tolist() == [0, 0.4]


def test_funding_during_a_hole_in_the_bars_is_charged_to_the_bar_before_it():
    bars = make_bars()
    bars.time[3:] += 60 * MINUTE
    found = prepare(bars, FundingRates(np.array([30 * MINUTE]), np.array([0.1]))).columns
    assert (found.funding_row.tolist(), found.funding_inside.tolist()) == ([2], [0.1])


def test_funding_after_the_end_is_left_out_even_where_a_hole_lies_before_the_last_bar():
    bars = make_bars()
    bars.time[-1] += 60 * MINUTE
    last = int(bars.time[-1])
    found = prepare(bars, FundingRates(np.array([last + MINUTE // 2, last + 5 * MINUTE]), np.array([0.1, 0.2]))).columns
    assert (found.funding_row.tolist(), found.funding_inside.tolist()) == ([len(bars) - 1], [0.1])


@pytest.mark.parametrize("count", [0, 1])
def test_funding_of_no_bar_and_of_one(count):
    found = prepare(make_bars(count), FundingRates(np.array([0, 2 * MINUTE]), np.array([0.1, 0.1]))).columns
    assert found.funding_row.tolist() == [0] * count


def test_a_funding_rate_must_be_a_number():
    with pytest.raises(DataError, match="funding rate at 1970-01-01T00:01Z") as caught:
        prepare(make_bars(), FundingRates(np.array([0, MINUTE]), np.array([0.1, np.nan])))
    assert caught.value.code == "BAD_FUNDING"


@pytest.mark.parametrize(
    ("target", "settings", "code", "hint"),
    [
        (-0.5, {}, "SHORT_NOT_ALLOWED", "--short, or short=True"),
        (1.5, {}, "TARGET_TOO_LARGE", "leverage = 2"),
        (-3.5, {"allow_short": True, "leverage": 3.0}, "TARGET_TOO_LARGE", "leverage = 4"),
        (200.0, {}, "TARGET_TOO_LARGE", "no leverage does"),
        (np.inf, {"leverage": 125.0}, "TARGET_TOO_LARGE", "no leverage does"),
        (-np.inf, {}, "TARGET_TOO_LARGE", "no leverage does"),
    ],
)
def test_targets_that_are_refused_name_the_place_and_the_remedy(target, settings, code, hint):
    targets = np.array([0.0, 1.0, target, target, 0.0])
    with pytest.raises(UserError) as caught:
        run(make_bars(), targets, Execution(**settings), cash=1)
    assert (caught.value.code, caught.value.facts["row"]) == (code, "2")
    assert (caught.value.facts["time"], caught.value.facts["to allow it"]) == ("1970-01-01T00:02Z", hint)


def test_a_target_may_exceed_the_leverage_by_rounding():
    done = run(make_bars(), np.full(5, 1 + 1e-12), Execution(), cash=1_000)
    assert done.equity[-1] == pytest.approx(999, abs=0.01)


@pytest.mark.parametrize("targets", [np.zeros(4), np.zeros((5, 1)), np.float64(1)])
def test_there_is_one_target_a_bar(targets):
    with pytest.raises(UserError, match="for 5 bars") as caught:
        run(make_bars(), targets, Execution(), cash=1)
    assert caught.value.code == "TARGET_LENGTH"


@pytest.mark.parametrize("cash", [0.0, -1.0, np.nan, np.inf])
def test_cash_must_be_positive(cash):
    with pytest.raises(UserError, match="cash") as caught:
        run(make_bars(), np.zeros(5), Execution(), cash=cash)
    assert caught.value.code == "BAD_SETTING"


def test_the_reach_of_a_block_takes_in_its_opens():
    close = np.full(70, 100.0)
    opened, high, low = close.copy(), close + 1.0, close - 1.0
    opened[3], opened[66] = 50.0, 200.0  # recordings exist whose open lies outside low and high
    market = prepare(Bars.of(np.arange(70) * 60_000_000, (opened, high, low, close, np.ones(70))))
    assert (market.reach.low.tolist(), market.reach.high.tolist()) == ([50.0, 99.0], [101.0, 200.0])
