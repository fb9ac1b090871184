"""What a strategy would have made at other costs: the cost ladder."""

from dataclasses import replace

from tallow.core.engine import run
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.results import Result
from tallow.domain.scene import Execution

STEPS = (0.0, 0.5, 1.0, 2.0, 5.0)


def cost_ladder(result: Result, bars: Bars, funding: FundingRates | None) -> list[tuple[str, float]]:
    """Run the same targets at multiples of all costs; give (label, return in per cent) from cheapest to dearest.

    The targets stay those of the result: a strategy that looks at its own balance might have decided otherwise.
    """
    ladder = []
    for factor in STEPS:
        execution = scale_costs(result.scene.execution, factor)
        done = run(bars, result.run.target, execution, cash=result.scene.cash, funding=funding)
        ladder.append((f"{factor:g}x costs", 100 * (float(done.equity[-1]) / result.scene.cash - 1)))
    return ladder


def scale_costs(execution: Execution, factor: float) -> Execution:
    """Multiply fees, slippage and impact; all stay inside their limits."""
    return replace(
        execution,
        maker_fee=min(execution.maker_fee * factor, 0.5),
        taker_fee=min(execution.taker_fee * factor, 0.5),
        slippage_bps=min(execution.slippage_bps * factor, 5_000.0),
        volume_impact=min(execution.volume_impact * factor, 100.0),
    )
