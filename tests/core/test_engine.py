"""What holds for every run: causality, the ledger, one step in every mode. Bars and settings are random."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.engine import ENGINE_VERSION, Engine, live_bars, prepare, run, run_path, summarize
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.results import EXIT_REASONS
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE

NAN = float("nan")
CASH = 10_000.0
STOPS = EXIT_REASONS.index("stop_loss"), EXIT_REASONS.index("trailing_stop")
modest = settings(max_examples=120, deadline=None)


def rate(low, high):
    return st.floats(low, high, allow_nan=False).map(lambda value: round(value, 4))


@st.composite
def markets(draw, bars=20):
    """Between 2 and `bars` candles that hang together, some without volume."""
    count = draw(st.integers(2, bars))
    swing = draw(st.sampled_from([0.02, 0.15]))
    moves = draw(st.lists(rate(-swing, swing), min_size=2 * count, max_size=2 * count))
    wicks = draw(st.lists(rate(0.0, swing / 2), min_size=2 * count, max_size=2 * count))
    volume = draw(st.lists(st.sampled_from([0.0, 3.0, 50.0, 1e6, 1e6, 1e6]), min_size=count, max_size=count))
    path = 100 * np.cumprod(1 + np.array(moves))
    opened, close = path[0::2], path[1::2]
    high = np.maximum(opened, close) * (1 + np.array(wicks[:count]))
    low = np.minimum(opened, close) * (1 - np.array(wicks[count:]))
    return Bars.of(np.arange(count) * MINUTE, (opened, high, low, close, np.array(volume)))


def switch(value):
    return st.one_of(st.none(), value)


@st.composite
def executions(draw, fill=None, leverage=None, allow_short=None):
    return Execution(
        fill=fill or draw(st.sampled_from(["next_open", "close"])),
        maker_fee=draw(rate(-0.0005, 0.002)),
        taker_fee=draw(rate(0.0, 0.005)),
        slippage_bps=draw(st.sampled_from([0.0, 5.0, 50.0])),
        volume_impact=draw(st.sampled_from([0.0, 0.02])),
        leverage=draw(st.sampled_from([1.0, 2.0, 5.0])) if leverage is None else leverage,
        allow_short=draw(st.booleans()) if allow_short is None else allow_short,
        stop_loss=draw(switch(rate(0.08, 0.3))),
        take_profit=draw(switch(rate(0.08, 0.3))),
        trailing_stop=draw(switch(rate(0.08, 0.3))),
        min_notional=draw(st.sampled_from([0.0, 500.0])),
        lot_size=draw(st.sampled_from([0.0, 0.1, 7.0])),
        tick_size=draw(st.sampled_from([0.0, 0.01])),
    )


@st.composite
def scenes(draw, **fixed):
    """A market, targets that the settings allow, and the settings."""
    bars, execution = draw(markets()), draw(executions(**fixed))
    low = -execution.leverage if execution.allow_short else 0.0
    # Mostly kept: long stretches without an order are where the batch takes its short cut.
    new = st.one_of(st.sampled_from([0.0, 1.0, low, execution.leverage]), rate(low, execution.leverage))
    one = st.one_of(st.just(NAN), st.just(NAN), st.just(NAN), st.just(NAN), new)
    return bars, np.array(draw(st.lists(one, min_size=len(bars), max_size=len(bars)))), execution


def at_opens(bars, rates):
    return FundingRates(bars.time, np.array([rates[i % len(rates)] for i in range(len(bars))]))


def rows_of(log, last):
    """The fills up to a row, as a list of tuples of bits."""
    columns = (log.row, log.quantity, log.price, log.fee, log.slippage, log.reason)
    return [tuple(float(value).hex() for value in row) for row in zip(*columns, strict=True) if row[0] <= last]


# Causality


@modest
@given(scenes(fill="next_open"), st.data())
def test_a_fill_at_the_open_knows_nothing_of_its_bar_or_later(scene, data):
    bars, targets, execution = scene
    row = data.draw(st.integers(0, len(bars) - 1))
    price = st.lists(rate(1.0, 1_000.0), min_size=len(bars), max_size=len(bars))
    mask = np.arange(len(bars)) >= row
    later = np.arange(len(bars)) > row
    other = [np.array(data.draw(price)) for _ in range(6)]
    # Whether the bar of the fill had a trade at all is known; how much was traded is not.
    volume = np.where(mask, np.where(bars.volume > 0, other[4], 0.0), bars.volume)
    changed = Bars.of(
        bars.time,
        (
            np.where(later, other[0], bars.open),
            np.where(mask, other[1], bars.high),
            np.where(mask, other[2], bars.low),
            np.where(mask, other[3], bars.close),
            volume,
        ),
    )
    decided = np.where(mask, np.clip(other[5] / 1_000.0, 0.0, 1.0), targets)
    rates = at_opens(bars, [0.001, 0.0, -0.002])
    before = run(bars, targets, execution, cash=CASH, funding=rates)
    after = run(changed, decided, execution, cash=CASH, funding=rates)
    for name in ("equity", "position", "target"):
        assert getattr(before, name)[:row].tobytes() == getattr(after, name)[:row].tobytes()
    # A bar that stands still at its open has only what happens at the open.
    still = bars[: row + 1]
    for column in (still.high, still.low, still.close):
        column[row] = still.open[row]
    at_open = rows_of(run(still, targets[: row + 1], execution, cash=CASH, funding=rates).fills, row)
    assert rows_of(before.fills, row)[: len(at_open)] == at_open
    assert rows_of(after.fills, row)[: len(at_open)] == at_open


@modest
@given(scenes(), st.data())
def test_a_shorter_run_is_the_beginning_of_a_longer_one(scene, data):
    bars, targets, execution = scene
    rows = data.draw(st.integers(1, len(bars)))
    whole = run(bars, targets, execution, cash=CASH)
    part = run(bars[:rows], targets[:rows], execution, cash=CASH)
    for name in ("equity", "position", "target"):
        assert getattr(whole, name)[:rows].tobytes() == getattr(part, name).tobytes()
    assert rows_of(whole.fills, rows - 1) == rows_of(part.fills, rows)


# The ledger


@modest
@given(scenes(), st.lists(rate(-0.01, 0.01), min_size=1, max_size=3))
def test_every_mark_is_the_exact_sum_of_the_fills_and_the_funding(scene, rates):
    bars, targets, execution = scene
    funding = at_opens(bars, rates)
    done = run(bars, targets, execution, cash=CASH, funding=funding)
    cash, position, place = Fraction(CASH), Fraction(0), 0
    for row in range(len(bars)):
        cash -= position * Fraction(float(bars.open[row])) * Fraction(float(funding.rate[row]))
        while place < len(done.fills) and done.fills.row[place] == row:
            quantity = Fraction(float(done.fills.quantity[place]))
            cash -= quantity * Fraction(float(done.fills.price[place])) + Fraction(float(done.fills.fee[place]))
            position += quantity
            place += 1
        equity = cash + position * Fraction(float(bars.close[row]))
        assert float(position) == pytest.approx(done.position[row], abs=1e-9)
        assert float(equity) == pytest.approx(done.equity[row], rel=1e-9, abs=1e-6)
    assert done.trades.profit.sum() == pytest.approx(done.equity[-1] - CASH, abs=1e-6)


@modest
@given(scenes())
def test_no_fill_crosses_zero_and_none_happens_without_volume(scene):
    bars, targets, execution = scene
    done = run(bars, targets, execution, cash=CASH)
    position = 0.0
    for row, quantity in zip(done.fills.row, done.fills.quantity, strict=True):
        before, position = position, position + quantity
        assert before * position >= 0
        assert bars.volume[row] > 0
    assert position == (done.position[-1] if len(bars) else 0)


@modest
@given(scenes(leverage=1.0, allow_short=False))
def test_an_unlevered_long_never_owes(scene):
    bars, targets, execution = scene
    done = run(bars, targets, execution, cash=CASH)
    cash = CASH
    for quantity, price, fee in zip(done.fills.quantity, done.fills.price, done.fills.fee, strict=True):
        cash = cash - quantity * price - fee
        assert cash >= 0
    assert (done.equity >= 0).all()


@modest
@given(scenes(leverage=5.0, allow_short=True))
def test_a_protective_exit_never_costs_more_than_the_margin(scene):
    bars, targets, execution = scene
    fills = run(bars, targets, execution, cash=CASH).fills
    held = np.cumsum(fills.quantity)
    for i in range(1, len(fills)):
        from_flat = i == 1 or held[i - 2] == 0
        if fills.reason[i] and from_flat and held[i] == 0:
            entered, left = fills.price[i - 1], fills.price[i]
            lost = fills.quantity[i - 1] * (entered - left)
            assert lost <= abs(fills.quantity[i - 1]) * entered / 5 * (1 + 1e-12)
            if fills.reason[i] == EXIT_REASONS.index("liquidation"):
                assert lost + fills.fee[i] <= abs(fills.quantity[i - 1]) * entered / 5 * (1 + 1e-12)


@modest
@given(scenes())
def test_every_exit_in_the_fills_ends_a_trade_for_that_reason(scene):
    done = run(scene[0], scene[1], scene[2], cash=CASH)
    for reason in range(1, len(EXIT_REASONS) - 1):
        assert (done.fills.reason == reason).sum() == (done.trades.reason == reason).sum()
    assert done.ambiguous_bars <= np.isin(done.trades.reason, (*STOPS, 4)).sum()


# One step in every mode


@modest
@given(scenes(), st.booleans())
def test_batch_is_single_steps_bit_for_bit(scene, with_funding):
    bars, targets, execution = scene
    funding = at_opens(bars, [0.003, 0.0, -0.001]) if with_funding else None
    batch = run(bars, targets, execution, cash=CASH, funding=funding)
    path = run_path(bars, lambda row, account: targets[row], execution, cash=CASH, funding=funding)
    assert batch.digest() == path.digest()
    engine = Engine(execution, CASH)
    steps = [(engine.step(bar, targets[i]), engine.equity, engine.position, engine.target) for i, bar in
             enumerate(live_bars(prepare(bars, funding)))]  # fmt: skip
    assert [step[1] for step in steps] == batch.equity.tolist()
    assert [step[2] for step in steps] == batch.position.tolist()
    assert [step[3] for step in steps] == batch.target.tolist()
    filled = [fill for step in steps for fill in step[0]]
    assert [fill.price for fill in filled] == batch.fills.price.tolist()
    assert [fill.time for fill in filled] == batch.fills.time.tolist()


@modest
@given(scenes())
def test_a_summary_says_what_the_run_says(scene):
    bars, targets, execution = scene
    funding = at_opens(bars, [0.003, -0.001])
    done = run(bars, targets, execution, cash=CASH, funding=funding)
    brief = summarize(bars, targets, execution, cash=CASH, funding=funding, periods_per_year=365)
    closed = done.trades.profit[done.trades.reason != EXIT_REASONS.index("open")]
    assert brief.final_equity == done.equity[-1]
    assert brief.total_return == done.equity[-1] / CASH - 1
    assert (brief.trades, brief.wins, brief.losses) == (len(closed), (closed > 0).sum(), (closed < 0).sum())
    assert brief.draws == (closed == 0).sum()
    curve = np.concatenate(([CASH], done.equity))
    assert brief.max_drawdown == pytest.approx((curve / np.maximum.accumulate(curve) - 1).min(), abs=1e-12)
    assert brief.exposure == np.mean(done.position != 0)
    assert brief.fees == pytest.approx(done.fills.fee.sum())
    assert brief.slippage == pytest.approx(done.fills.slippage.sum())
    assert brief.funding == pytest.approx(done.trades.funding.sum())
    assert brief.turnover == pytest.approx((np.abs(done.fills.quantity) * done.fills.price).sum())
    assert (brief.ambiguous_bars, brief.rejected_orders) == (done.ambiguous_bars, done.rejected_orders)
    if (curve > 0).all() and (returns := np.diff(curve) / curve[:-1]).std() > 1e-6:
        assert brief.bar_sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * 365**0.5, rel=1e-6)


# References


def plain_reference(bars, targets, fee):
    """Long or flat, next open, one fee: written from the rules, sharing nothing with the engine."""
    cash, held, last, order, equity, fills = CASH, 0.0, 0.0, None, [], []
    for i in range(len(bars)):
        if order is not None and bars.volume[i] > 0:
            price, worth = bars.open[i], cash + held * bars.open[i]
            quantity = order * worth / (price * (1 + fee)) - held if order else -held
            if 0 > quantity > -held:
                # A smaller position is sized like a larger one.
                quantity = -(held - order * worth / (price * (1 + fee)))
            if quantity > 0:
                quantity = min(quantity, max(cash, 0.0) / (price * (1 + fee)))
            while quantity > 0 and cash - quantity * price - quantity * price * fee < 0:
                quantity = np.nextafter(quantity, 0.0)
            if quantity:
                cash -= quantity * price + abs(quantity) * price * fee
                held = held + quantity if order else 0.0
                fills.append((i, quantity, price))
            order = None
        equity.append(cash + held * bars.close[i])
        if targets[i] == targets[i] and targets[i] != last:
            last = order = targets[i]
    return equity, fills


@modest
@given(markets(bars=30), st.data(), rate(0.0, 0.01))
def test_plain_runs_equal_an_independent_engine(bars, data, fee):
    one = st.sampled_from([NAN, 0.0, 0.25, 0.5, 1.0])
    targets = data.draw(st.lists(one, min_size=len(bars), max_size=len(bars)))
    done = run(bars, np.array(targets), Execution(taker_fee=fee), cash=CASH)
    equity, fills = plain_reference(bars, targets, fee)
    assert done.equity.tolist() == pytest.approx(equity, rel=1e-12)
    assert [int(row) for row in done.fills.row] == [row for row, _, _ in fills]
    assert done.fills.quantity.tolist() == pytest.approx([quantity for _, quantity, _ in fills], rel=1e-9)


# The version


def golden_run():
    """A run that uses every rule, on bars from an integer sequence that is the same everywhere."""
    number, draws = 12_345, []
    for _ in range(5 * 600):
        number = (number * 1_103_515_245 + 12_345) % 2**31
        draws.append(number / 2**31)
    table = np.array(draws).reshape(5, 600)
    close = 100 * np.cumprod(1 + (table[0] - 0.5) * 0.04)
    opened = np.concatenate(([100.0], close[:-1])) * (1 + (table[1] - 0.5) * 0.01)
    high, low = np.maximum(opened, close) * (1 + 0.02 * table[2]), np.minimum(opened, close) * (1 - 0.02 * table[3])
    volume = np.where(table[4] < 0.05, 0.0, 500 * table[4])
    bars = Bars.of(np.arange(600) * MINUTE, (opened, high, low, close, volume))
    targets = np.where(np.arange(600) % 7 == 0, np.round(6 * table[4] - 3, 1), NAN)
    execution = Execution(
        taker_fee=0.0006, maker_fee=0.0002, slippage_bps=3, volume_impact=0.05, leverage=3, allow_short=True,
        stop_loss=0.04, take_profit=0.06, trailing_stop=0.05, min_notional=10, lot_size=0.01, tick_size=0.01,
    )  # fmt: skip
    return run(bars, targets, execution, cash=CASH, funding=at_opens(bars, [0.0001, 0.0, 0.0, -0.0002]))


def test_the_numbers_belong_to_the_engine_version():
    done = golden_run()
    assert set(done.trades.reason) >= {0, 1, 2, 3}
    # A changed digest means changed numbers: raise ENGINE_VERSION and add its digest.
    digests = {"1": "71be852334c66b3c98a008007962934ad722b2f90c7dde366c9117cbfef6cb66"}
    assert done.digest() == digests[ENGINE_VERSION]


def test_a_lost_account_is_empty_and_stays_flat():
    execution = Execution(leverage=3.0, allow_short=True, maker_fee=0.001, taker_fee=0.001)
    close = np.concatenate([np.full(5, 100.0), np.full(40, 60.0)])
    bars = Bars.of(np.arange(45) * 60 * MINUTE, (close, close, close, close, np.ones(45)))
    targets = np.where(np.arange(45) % 2 == 0, 3.0, 2.5)
    for cash in (1_000.0, 12_345.67):
        done = run(bars, targets, execution, cash=cash)
        assert done.equity[-1] >= 0.0
        if done.equity[10] < 1e-6 * cash:
            assert done.equity[10] == 0.0
            assert not done.position[10:].any()
