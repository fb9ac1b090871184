"""A portfolio as text and as plain values."""

from typing import Any

from tallow.core.portfolio import AccountRules, Calendar, Drift, EveryBars
from tallow.domain.ranges import iso
from tallow.flows.portfolio import Instrument, PortfolioResult
from tallow.flows.report.definitions import DEFINITIONS
from tallow.flows.report.figures import MINUS
from tallow.flows.report.plain import KEYS

NOT_STORED = "the result of a portfolio is not stored: `tallow results` does not know it"


def describe(done: PortfolioResult) -> dict[str, Any]:
    """Give a portfolio as plain values, without its arrays."""
    run = done.run
    return {
        "weights": done.name,
        "parameters": dict(done.parameters),
        "timeframe": str(done.timeframe),
        "rules": {"rebalance": rebalanced(done.rules), "margin": done.rules.margin},
        "rows": len(run.time),
        "first": iso(int(run.time[0])),
        "last": iso(int(run.time[-1])),
        "metrics": dict(done.metrics),
        "instruments": [_described(one) for one in done.instruments],
        "counters": counters(done),
        "certificate": done.certificate.to_dict() if done.certificate else None,
        "digest": done.digest,
        "data_digest": done.data_digest,
        "strategy_hash": done.strategy_hash,
        "notes": list(done.notes),
        "stored": False,
    }


def counters(done: PortfolioResult) -> dict[str, int]:
    """Give what happened that weights alone do not tell."""
    return {
        "stale_marks": sum(one.stale_marks for one in done.instruments),
        "shrunk_purchases": done.run.shrunk_purchases,
        "liquidations": done.run.liquidations,
        "rejected_orders": sum(done.run.rejected_orders),
        "ambiguous_bars": sum(done.run.ambiguous_bars),
    }


def _described(one: Instrument) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "instrument": str(one.scene.instrument),
        "bars": one.bars,
        "profit": one.profit,
        "trades": one.trades,
        "open_trades": one.open_trades,
        "fees": one.fees,
        "exposure_pct": one.exposure_pct,
        "stale_marks": one.stale_marks,
        "versions": dict(one.versions),
        "incidents": [
            {"kind": i.kind, "start": iso(i.start), "end": iso(i.end), "exposed": i.exposed, "profit": i.profit}
            for i in one.incidents
        ],
    }


def headline(done: PortfolioResult) -> str:
    """Write what it ran on, what must be known before the numbers, and the metrics."""
    run = done.run
    values = ", ".join(f"{name}={value}" for name, value in done.parameters.items())
    end = done.timeframe.next(int(run.time[-1]))
    lines = [
        f"{done.name}{f' ({values})' if values else ''} on {', '.join(run.symbols)} {done.timeframe}",
        f"{iso(int(run.time[0]))}..{iso(end)}, {len(run.time):,} rows, rebalanced {rebalanced(done.rules)}",
        *done.notes,
        "",
    ]
    labels = {definition.key: definition for definition in DEFINITIONS}
    rows = [(labels[key].label, labels[key].write(done.metrics.get(key))) for key in KEYS if key in done.metrics]
    plain = [(name, value.replace("\u00a0", " ").replace(MINUS, "-")) for name, value in rows]
    widths = [max(len(row[place]) for row in plain) for place in (0, 1)]
    return "\n".join([*lines, *(f"  {name:<{widths[0]}}  {value:>{widths[1]}}" for name, value in plain)])


def rebalanced(rules: AccountRules) -> str:
    """Write the rule of rebalancing in words."""
    rule = rules.rebalance
    if isinstance(rule, Calendar):
        return rule.period
    if isinstance(rule, EveryBars):
        return f"every {rule.count} bars"
    return f"on a drift of {rule.threshold:g}" if isinstance(rule, Drift) else "on change"


def footing(done: PortfolioResult) -> str:
    """Write the counters, the versions that were read, and the digest."""
    counted = ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in counters(done).items())
    lines = [f"counted   {counted}"]
    for one in done.instruments:
        read = ", ".join(f"{name} v{version}" for name, version in one.versions.items())
        lines.append(f"read      {one.scene.instrument}: {read}")
    return "\n".join([*lines, f"digest    {done.digest}", f"note      {NOT_STORED}"])
