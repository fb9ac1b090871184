import numpy as np
from numba import njit

from tallow.core.engine import kernels, run, summarize
from tallow.core.engine.kernels import KERNELS
from tallow.core.engine.state import STATE_SIZE, State, flatten, initial_state, unflatten
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE


@njit
def there_and_back(memory: np.ndarray, other: np.ndarray) -> State:
    state = kernels.load(memory)
    kernels.store(other, state)
    return state


def test_compiled_code_reads_and_writes_the_flat_form_as_python_does():
    numbers, other = np.arange(float(STATE_SIZE)), np.zeros(STATE_SIZE)
    state = there_and_back(numbers, other)
    assert flatten(state) == numbers.tolist() == other.tolist()
    assert unflatten(other) == state


def test_every_way_to_call_needs_one_compiled_variant():
    prices = np.full(6, 100.0)
    frozen = prices.copy()
    frozen.flags.writeable = False
    for column in (prices, frozen, np.full(12, 100.0)[::2], prices.astype(np.float32)):
        bars = Bars.of(np.arange(6) * MINUTE, (column, column, column, column, column))
        for execution in (Execution(), Execution(leverage=3, allow_short=True, stop_loss=0.1, trailing_stop=0.2)):
            for funding in (None, FundingRates(np.array([MINUTE]), np.array([0.1]))):
                run(bars, column / 100, execution, cash=1, funding=funding)
                summarize(bars, column / 100, execution, cash=1, funding=funding, periods_per_year=1)
    assert [len(kernel.signatures) for kernel in (KERNELS.run, KERNELS.find_bad_row)] == [1, 1]


def test_a_log_that_fills_up_is_continued():
    count = 5_000
    prices = 100 + np.arange(count) % 7.0
    bars = Bars.of(np.arange(count) * MINUTE, (prices, prices, prices, prices, prices))
    done = run(bars, (np.arange(count) // 2 % 2).astype(float), Execution(), cash=1_000)
    assert len(done.fills) == (count - 1) // 2
    assert (np.diff(done.fills.row) == 2).all()


def test_a_state_that_never_moves_costs_no_state():
    prices = np.full(3, 100.0)
    bars = Bars.of(np.arange(3) * MINUTE, (prices, prices, prices, prices, prices))
    assert run(bars, np.zeros(3), Execution(), cash=7.0).equity.tolist() == [initial_state(7.0).equity] * 3
