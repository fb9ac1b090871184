"""What holds for every portfolio: one instrument is the engine, the ledger, causality, no order of columns."""


import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core import engine
from tallow.core.portfolio import align, run
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.scene import Execution
from tallow.domain.timeframes import HOUR

NAN = float("nan")
CASH = 10_000.0
modest = settings(max_examples=80, deadline=None)


def rate(low, high):
    return st.floats(low, high, allow_nan=False).map(lambda value: round(value, 4))


@st.composite
def one_market(draw, time):
    """Candles at the given times that hang together, some without volume."""
    count = len(time)
    swing = draw(st.sampled_from([0.02, 0.15]))
    moves = draw(st.lists(rate(-swing, swing), min_size=2 * count, max_size=2 * count))
    wicks = draw(st.lists(rate(0.0, swing / 2), min_size=2 * count, max_size=2 * count))
    volume = draw(st.lists(st.sampled_from([0.0, 3.0, 50.0, 1e6, 1e6, 1e6]), min_size=count, max_size=count))
    path = draw(st.sampled_from([0.5, 100.0])) * np.cumprod(1 + np.array(moves))
    opened, close = path[0::2], path[1::2]
    high = np.maximum(opened, close) * (1 + np.array(wicks[:count]))
    low = np.minimum(opened, close) * (1 - np.array(wicks[count:]))
    return Bars.of(time, (opened, high, low, close, np.array(volume)))


@st.composite
def executions(draw, leverage=None, allow_short=None):
    return {
        "maker_fee": draw(rate(-0.0005, 0.002)),
        "taker_fee": draw(rate(0.0, 0.005)),
        "slippage_bps": draw(st.sampled_from([0.0, 5.0, 50.0])),
        "volume_impact": draw(st.sampled_from([0.0, 0.02])),
        "leverage": draw(st.sampled_from([1.0, 2.0, 5.0])) if leverage is None else leverage,
        "allow_short": draw(st.booleans()) if allow_short is None else allow_short,
        "stop_loss": draw(st.one_of(st.none(), rate(0.08, 0.3))),
        "take_profit": draw(st.one_of(st.none(), rate(0.08, 0.3))),
        "trailing_stop": draw(st.one_of(st.none(), rate(0.08, 0.3))),
        "min_notional": draw(st.sampled_from([0.0, 500.0])),
        "lot_size": draw(st.sampled_from([0.0, 0.1, 7.0])),
        "tick_size": draw(st.sampled_from([0.0, 0.01])),
    }


def weights_of(draw, execution, rows):
    low = -execution["leverage"] if execution["allow_short"] else 0.0
    new = st.one_of(st.sampled_from([0.0, 1.0, low, execution["leverage"]]), rate(low, execution["leverage"]))
    one = st.one_of(st.just(NAN), st.just(NAN), st.just(NAN), st.just(NAN), new)
    return draw(st.lists(one, min_size=rows, max_size=rows))


@st.composite
def single(draw):
    """A market of one instrument with targets, settings and funding."""
    count = draw(st.integers(2, 20))
    bars = draw(one_market(np.arange(count) * HOUR))
    settings_of = draw(executions()) | {"fill": draw(st.sampled_from(["next_open", "close"]))}
    targets = np.array(weights_of(draw, settings_of, count))
    rates = draw(st.lists(rate(-0.01, 0.01), min_size=1, max_size=3))
    moments = bars.time + draw(st.sampled_from([0, HOUR // 2]))
    funding = FundingRates(moments, np.array([rates[i % len(rates)] for i in range(count)]))
    return bars, targets, Execution(**settings_of), funding


def bits(log):
    return [tuple(float(v).hex() for v in row) for row in zip(*(vars(log)[name] for name in vars(log)), strict=True)]


@settings(max_examples=300, deadline=None)
@given(single())
def test_one_instrument_is_the_engine_bit_for_bit(scene):
    bars, targets, execution, funding = scene
    alone = engine.run(bars, targets, execution, cash=CASH, funding=funding)
    panel = align({"A/USDT": bars}, funding={"A/USDT": funding})
    book = run(panel, targets[:, None], execution, cash=CASH)
    assert book.equity.tobytes() == alone.equity.tobytes()
    assert bits(book.instrument_run(0).fills) == bits(alone.fills)
    assert book.instrument_run(0).digest() == alone.digest()
    assert bits(book.trades[0]) == bits(alone.trades)
