"""What the same decisions would have made under other executions and costs: the assumption ladder."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tallow.core.decisions import measure
from tallow.core.engine import prepare
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.evidence import Rung
from tallow.domain.scene import Execution, Scene
from tallow.domain.sent import Decisions, Sent

STEPS = (0.0, 0.5, 1.0, 2.0, 5.0)
SPREAD_BPS = 4.0  # between best bid and ask, assumed where no quotes are recorded
VOLUME_IMPACT = 0.1  # of the price, when an order is as large as all that traded in the bar before it


def assumption_ladder(
    scene: Scene, decisions: Decisions, bars: Bars, funding: FundingRates | None = None
) -> tuple[Rung, ...]:
    """Carry out the same decisions under four execution models, then at multiples of the scene's own costs.

    Orders never fill at the close that sends them, so they have three models. The decisions stay those of the result: a
    strategy that looks at its own balance, or at its orders, might have decided otherwise. Among the models from the
    next open on, more cost never raises the return of targets that are all in or flat;
    where it may, see docs/honesty.md.
    """
    market, per_year = prepare(bars, funding), scene.timeframe.per_year

    def earned(execution: Execution) -> float:
        money = {"cash": scene.cash, "periods_per_year": per_year}
        return measure(market, decisions, execution, **money, terms=scene.terms).total_return

    return climb(scene.execution, earned, at_close=not isinstance(decisions, Sent))


def climb(own: Execution, earned: Callable[[Execution], float], *, at_close: bool = True) -> tuple[Rung, ...]:
    """Give the rungs, from the execution of a scene and the return, a fraction, that another one would have earned.

    `at_close` says whether decisions can be filled at the close that makes them.
    """
    return tuple(
        Rung(kind, label, 100.0 * earned(execution), assumption)  # type: ignore[arg-type]
        for kind, label, assumption, execution in (*_models(own), *_multiples(own))
        if at_close or execution.fill == "next_open"
    )


Step = tuple[str, str, str, Execution]


def _models(own: Execution) -> Iterator[Step]:
    fees = "with the fees and the slippage of the scene"
    spread = f"half of a spread of {SPREAD_BPS:g} basis points, assumed because no quotes are recorded"
    impact = f"{VOLUME_IMPACT:.0%} for an order as large as all that traded in the bar before, a hundredth for a tenth"
    yield "model", "close (optimistic)", f"filled at the very close that decides, {fees}", replace(own, fill="close")
    yield "model", "next open", f"filled at the next open, {fees}", replace(own, fill="next_open")
    yield "model", "next open, spread and volume", f"the same and {spread}, and {impact} of it", worsened(own, 1.0)
    yield "model", "the same, doubled", "spread and volume slippage twice as large", worsened(own, 2.0)


def worsened(own: Execution, factor: float) -> Execution:
    """Add half a spread and volume slippage, times `factor`, to an execution at the next open."""
    return replace(
        own,
        fill="next_open",
        slippage_bps=min(own.slippage_bps + factor * SPREAD_BPS / 2, 5_000.0),
        volume_impact=min(own.volume_impact + factor * VOLUME_IMPACT, 100.0),
    )


def _multiples(own: Execution) -> Iterator[Step]:
    for factor in STEPS:
        yield "costs", f"{factor:g}x costs", "fees, slippage and impact of the scene", scale_costs(own, factor)


def scale_costs(execution: Execution, factor: float) -> Execution:
    """Multiply fees, slippage and impact; all stay inside their limits."""
    return replace(
        execution,
        maker_fee=max(-0.01, min(execution.maker_fee * factor, 0.5)),
        taker_fee=max(-0.01, min(execution.taker_fee * factor, 0.5)),
        slippage_bps=min(execution.slippage_bps * factor, 5_000.0),
        volume_impact=min(execution.volume_impact * factor, 100.0),
    )
