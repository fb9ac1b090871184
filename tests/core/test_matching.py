import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from tallow.core import matching
from tallow.core.matching import Config, Holding, Request, configure
from tallow.domain.scene import Execution
from tallow.domain.tiers import maintenance_amounts


@njit
def priced(kind, config, numbers):
    """One compiled door to the inlined rules, so that each need not be compiled on its own."""
    a, b, c = numbers
    if kind == 0:
        return matching.round_price(a, b, c)
    if kind == 1:
        return matching.round_quantity(a, b)
    if kind == 2:
        return matching.volume_share(a, b)
    return matching.fill_price(config, a, b, c)


@njit
def sent(config, request):
    return matching.send_quantity(config, request)


@njit
def levels(config, holding):
    return matching.exit_levels(config, holding)


def configured(**settings):
    return configure(Execution(**{"maker_fee": 0.0, "taker_fee": 0.0, **settings}))


def test_configure_turns_settings_into_numbers_and_off_into_zero():
    config = configure(Execution(fill="close", slippage_bps=25, stop_loss=0.1, allow_short=True))
    assert isinstance(config, Config)
    assert (config.at_close, config.slippage, config.stop_loss, config.allow_short) == (1, 0.0025, 0.1, 1)
    assert (config.take_profit, config.trailing_stop) == (0, 0)
    assert all(type(value) is float for value in config[: matching.NUMBERS])
    assert config.tiers is None


@pytest.mark.parametrize(
    ("price", "tick", "direction", "expected"),
    [
        (10.03, 0.0, 1, 10.03),
        (10.03, 0.05, 1, 10.05),
        (10.03, 0.05, -1, 10.0),
        (0.3, 0.1, 1, 0.3),
        (0.3, 0.1, -1, 0.3),
        (0.03, 0.05, -1, 0.03),  # below one tick: a price of 0 would be no price
    ],
)
def test_round_price(price, tick, direction, expected):
    assert priced(0, configured(), (price, tick, float(direction))) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(
    ("quantity", "lot", "expected"), [(1.27, 0.0, 1.27), (1.27, 0.1, 1.2), (0.3, 0.1, 0.3), (0.09, 0.1, 0)]
)
def test_round_quantity(quantity, lot, expected):
    assert priced(1, configured(), (quantity, lot, 0.0)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("quantity", "volume", "expected"), [(5, 20, 0.25), (50, 20, 1), (5, 0, 1), (5, np.nan, 1), (0, 20, 0)]
)
def test_volume_share(quantity, volume, expected):
    assert priced(2, configured(), (float(quantity), float(volume), 0.0)) == expected


@pytest.mark.parametrize(
    ("direction", "share", "expected"), [(1, 0, 101), (-1, 0, 99), (1, 0.5, 111), (-1, 0.5, 89), (-1, 1, 59)]
)
def test_fill_price_adds_slippage_and_impact(direction, share, expected):
    config = configured(slippage_bps=100, volume_impact=0.4)
    assert priced(3, config, (100.0, float(direction), float(share))) == pytest.approx(expected)


def test_a_sale_always_brings_something():
    assert priced(3, configured(volume_impact=100.0), (100.0, -1.0, 1.0)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("settings", "request_", "expected"),
    [
        ({}, (1, 1_000, 0, 100), 10),
        ({"taker_fee": 0.25}, (1, 1_000, 0, 100), 8),
        ({"taker_fee": 0.25}, (0.5, 1_000, 0, 100), 4),
        ({"allow_short": True}, (-0.5, 1_000, 0, 100), -5),
        ({"leverage": 3.0}, (3, 1_000, 0, 100), 30),
        ({"leverage": 3.0, "taker_fee": 0.1}, (3, 1_300, 0, 100), 30),  # fee counted three times
        ({"slippage_bps": 2_500}, (1, 1_000, 0, 100), 8),
        ({"slippage_bps": 2_500, "allow_short": True}, (-1, 1_000, 0, 100), -10),  # sized at the market, not below
        ({}, (0.5, 0, 10, 100), -5),
        ({}, (0, 0, 10, 100), -10),
        ({}, (1, 500, 5, 100), 5),
        ({"allow_short": True}, (-1, 1_500, -5, 100), -5),
        ({"allow_short": True}, (-0.25, 1_500, -5, 100), 2.5),
        ({}, (1, 0, 10, 100), 0),
        ({"taker_fee": 0.1}, (1, 0, 10, 100), -10 / 11),  # all-in again after a fee: the fee is held back
        ({"lot_size": 4.0}, (1, 1_000, 0, 100), 8),
        ({"lot_size": 3.0}, (0.5, 0, 10, 100), -3),
        ({"lot_size": 3.0}, (0, 0, 10, 100), -10),
    ],
)
def test_send_quantity(settings, request_, expected):
    quantity, rejected = sent(configured(**settings), Request(*map(float, request_), 1e9))
    assert (quantity, rejected) == (pytest.approx(expected), False)


@pytest.mark.parametrize(
    ("settings", "request_"),
    [
        ({"lot_size": 11.0}, (1, 1_000, 0, 100)),
        ({"min_notional": 1_001.0}, (1, 1_000, 0, 100)),
        ({"min_notional": 600.0}, (0.5, 0, 10, 100)),
    ],
)
def test_too_small_an_order_is_not_sent(settings, request_):
    assert sent(configured(**settings), Request(*map(float, request_), 1e9)) == (0, True)


def test_without_equity_a_position_is_closed_and_none_is_opened():
    config = configured(leverage=5.0)
    assert sent(config, Request(5.0, -2_000.0, 10.0, 100.0, 1.0))[0] == -10
    assert sent(config, Request(5.0, -1.0, 0.0, 100.0, 1.0))[0] == 0


@pytest.mark.parametrize("lot", [0.0, 0.001])
@pytest.mark.parametrize("cash", [999.37, 1e-3, 7e9])
def test_what_is_bought_can_be_paid_to_the_last_bit(cash, lot):
    config = configured(taker_fee=0.0007, slippage_bps=3.0, volume_impact=0.1, lot_size=lot)
    for price in np.linspace(0.0123, 91.7, 50):
        request = Request(1.0, cash, 0.0, price, 2_000.0)
        quantity, _ = sent(config, request)
        share = min(1.0, quantity / 2_000.0)
        notional = quantity * priced(3, config, (price, 1.0, share))
        assert cash - notional - notional * 0.0007 >= 0
        if quantity:
            assert notional * 1.0007 + (2 * lot * price) >= cash * 0.8


@pytest.mark.parametrize(
    ("settings", "holding", "expected"),
    [
        ({}, (10, 100, 1_000, 100), (0, np.inf, 1)),
        ({}, (0, 0, 0, 0), (0, np.inf, 1)),
        ({"stop_loss": 0.1, "take_profit": 0.2}, (10, 100, 1_000, 100), (90, 120, 1)),
        ({"stop_loss": 0.1, "trailing_stop": 0.1}, (10, 100, 1_000, 120), (108, np.inf, 3)),
        ({"stop_loss": 0.1, "trailing_stop": 0.1}, (10, 100, 1_000, 100), (90, np.inf, 1)),
        ({"leverage": 10.0}, (10, 100, 100, 100), (90 / 0.995, np.inf, 4)),
        ({"leverage": 10.0, "stop_loss": 0.2}, (10, 100, 100, 100), (90 / 0.995, np.inf, 4)),
        ({"leverage": 10.0, "maintenance_margin": 0.0, "stop_loss": 0.1}, (10, 100, 100, 100), (90, np.inf, 1)),
        ({}, (-10, 100, 1_000, 100), (0, 200 / 1.005, 4)),
        ({"stop_loss": 0.1, "take_profit": 0.2}, (-10, 100, 1_000, 100), (80, 110, 1)),
        ({"trailing_stop": 0.1, "take_profit": 1.5}, (-10, 100, 1_000, 60), (0, 66, 3)),
    ],
)
def test_exit_levels(settings, holding, expected):
    found = levels(configured(**settings), Holding(*map(float, holding)))
    assert tuple(found) == pytest.approx(expected)


TIERS = ((0, 0.01, 20), (2_000, 0.05, 5), (10_000, 0.15, 2))


def test_tiers_are_kept_where_a_position_can_be_liquidated():
    assert configured(tiers=TIERS).tiers is None
    for execution in ({"leverage": 3.0}, {"allow_short": True}):
        found = configured(tiers=TIERS, **execution).tiers
        assert found.rate.tolist() == [0.01, 0.05, 0.15]
        assert found.amount.tolist() == pytest.approx([0, 80, 1_080])
    assert configured(tiers=TIERS, leverage=3.0).tiers.largest == 10_000


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ((3, 3_000, 0, 100), (90, False)),  # a notional of 9,000
        ((3, 3_400, 0, 100), (0, True)),  # 10,200 is for a leverage of 2 at most
        ((2.5, 4_000, 0, 100), (0, True)),  # and 10,000 is already
        ((2.5, 3_996, 0, 100), (99.9, False)),
        ((3, 3_000 - 9_500, 95, 100), (-5, False)),  # what makes a position smaller is never too large
        ((-3, 3_400, 0, 100), (0, True)),
        ((0, 3_400 - 10_200, 102, 100), (-102, False)),
        ((3, 3_400 - 9_500, 95, 100), (0, True)),  # with what is held already
    ],
)
def test_a_position_at_which_the_leverage_is_not_allowed_is_not_opened(request_, expected):
    quantity, rejected = sent(configured(tiers=TIERS, leverage=3.0), Request(*map(float, request_), 1e9))
    assert (pytest.approx(quantity), rejected) == expected


@pytest.mark.parametrize(
    ("holding", "expected"),
    [
        ((10, 100, 200, 100), (80 / 0.99, np.inf, 4)),  # worth 808 there: the first tier
        ((50, 100, 1_000, 100), ((100 - 1_080 / 50) / 0.95, np.inf, 4)),  # 4,126: the second
        ((90, 100, 1_800, 100), ((100 - 1_880 / 90) / 0.95, np.inf, 4)),  # entered at 9,000, worth 7,494
        ((-90, 100, 1_800, 100), (0, (100 + 2_880 / 90) / 1.15, 4)),  # worth 10,330: has grown into the third
    ],
)
def test_a_position_is_liquidated_in_the_tier_of_its_size_at_that_price(holding, expected):
    config = configured(tiers=TIERS, leverage=5.0, allow_short=True)
    assert tuple(levels(config, Holding(*map(float, holding)))) == pytest.approx(expected)


@st.composite
def tiered_positions(draw):
    """Tiers, a leverage for which every tier has room, and a position that may have won or lost margin."""
    floors = sorted(draw(st.lists(st.floats(10.0, 50_000.0), max_size=6, unique=True)))
    leverage = draw(st.sampled_from([1.0, 2.0, 7.0]))
    rates = sorted(draw(st.lists(st.floats(0.0, min(0.5, 0.9 / leverage)), min_size=7, max_size=7)))
    entry, side = draw(st.floats(0.5, 500.0)), draw(st.sampled_from([1.0, -1.0]))
    quantity = side * draw(st.floats(10.0, 90_000.0)) / entry
    margin = abs(quantity) * entry / leverage * draw(st.floats(0.6, 1.4))
    return tuple(zip([0.0, *floors], rates, strict=False)), leverage, Holding(quantity, entry, margin, entry)


def owed(tiers, notional):
    """The maintenance of a notional: the rate of each tier on the part that lies in it."""
    ends = [floor for floor, _ in tiers[1:]] + [np.inf]
    return sum(rate * max(0.0, min(notional, end) - floor) for (floor, rate), end in zip(tiers, ends, strict=True))


@settings(max_examples=300, deadline=None)
@given(tiered_positions())
def test_the_level_is_where_a_scan_over_prices_finds_the_margin_used_up(position):
    tiers, leverage, held = position
    config = configured(tiers=tiers, leverage=leverage, allow_short=True)
    side = 1.0 if held.quantity > 0 else -1.0
    if side > 0 and leverage == 1.0:
        return  # an unlevered long cannot be liquidated
    found = levels(config, held)
    level = found.floor if side > 0 else found.ceiling

    def left(price):
        return held.margin + held.quantity * (price - held.entry_price) - owed(tiers, abs(held.quantity) * price)

    # Safe at every price on the winning side of the level, used up at every one beyond it.
    for share in (1e-9, 1e-6, 0.001, 0.01, 0.03, 0.1, 0.3, 0.7, 1.0, 3.0):
        assert left(level + side * share * held.entry_price) > 0
        beyond = level - side * share * held.entry_price
        assert beyond <= 0 or left(beyond) < 0


def test_one_tier_is_a_single_rate_to_the_bit():
    held = Holding(-7.3, 101.7, 93.1, 99.0)
    single = configured(leverage=3.0, allow_short=True, maintenance_margin=0.013)
    tiered = configured(leverage=3.0, allow_short=True, tiers=((0, 0.013),))
    assert levels(single, held) == levels(tiered, held)
    assert maintenance_amounts(Execution(tiers=((0, 0.013),)).tiers) == (0.0,)
