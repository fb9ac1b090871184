"""A portfolio as text and as plain values."""

import json
from dataclasses import asdict
from typing import Any

from tallow.domain.ranges import iso
from tallow.flows.portfolio.rules import rebalanced
from tallow.flows.portfolio.trust import account, incidents
from tallow.flows.portfolio.values import Instrument, PortfolioResult
from tallow.flows.report import honesty
from tallow.flows.report.definitions import DEFINITIONS
from tallow.flows.report.figures import MINUS
from tallow.flows.report.plain import KEYS
from tallow.flows.report.proof import inside_words
from tallow.flows.report.verdict import judge

_HEADINGS = (
    "symbol", "bars", "profit", "trades", "open", "fees", "exposure %", "stale marks", "incidents", "exposed",
)  # fmt: skip


def describe(done: PortfolioResult) -> dict[str, Any]:
    """Give a portfolio as plain values, without its arrays."""
    run = done.run
    return {
        "key": done.key,
        "kind": "portfolio",
        "scene": json.loads(done.scene.canonical()),
        "weights": done.name,
        "parameters": dict(done.parameters),
        "timeframe": str(done.timeframe),
        "rules": {"rebalance": rebalanced(done.rules.rebalance), "margin": done.rules.margin},
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
        "engine_version": done.engine_version,
        "score": done.score,
        "ladder": [asdict(rung) for rung in done.ladder],
        "created": done.created,
        "stored": True,
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


def text(done: PortfolioResult) -> str:
    """Write a portfolio for a terminal."""
    judgement = judge(done.certificate)
    return f"{numbers(done)}\n\n{judgement.symbol} causality {judgement.word.lower()}: {judgement.sentence}"


def numbers(done: PortfolioResult) -> str:
    """Write all of it but the verdict of the look-ahead check."""
    return "\n\n".join([headline(done), instrument_table(done), trust(done), footing(done)])


def instrument_table(done: PortfolioResult) -> str:
    """Write what each instrument did, one a line."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
    for one in done.instruments:
        exposed = sum(incident.exposed for incident in one.incidents)
        money, counts = (one.profit, one.fees, one.exposure_pct), (one.stale_marks, len(one.incidents), exposed)
        profit, fees, exposure = (f"{value:,.2f}" for value in money)
        whole = (f"{one.bars:,}", profit, f"{one.trades:,}", f"{one.open_trades:,}", fees, exposure)
        rows.append((one.symbol, *whole, *(f"{count:,}" for count in counts)))
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADINGS))]
    lines = [
        "  ".join(f"{cell:<{width}}" if not place else f"{cell:>{width}}" for place, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    ]
    return "\n".join(lines)


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
        "data_digest": one.data_digest,
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
        f"{iso(int(run.time[0]))}..{iso(end)}, {len(run.time):,} rows, rebalanced {rebalanced(done.rules.rebalance)}",
        *done.notes,
        "",
    ]
    labels = {definition.key: definition for definition in DEFINITIONS}
    rows = [(labels[key].label, labels[key].write(done.metrics.get(key))) for key in KEYS if key in done.metrics]
    plain = [(name, value.replace("\u00a0", " ").replace(MINUS, "-")) for name, value in rows]
    widths = [max(len(row[place]) for row in plain) for place in (0, 1)]
    return "\n".join([*lines, *(f"  {name:<{widths[0]}}  {value:>{widths[1]}}" for name, value in plain)])


def trust(done: PortfolioResult) -> str:
    """Write the score among all trials, and what other executions make of the same weights."""
    whole = account(done)
    score, ladder = honesty.plain_score(whole), honesty.plain_ladder(whole)
    rows = [*score, ("", ""), ("Assumption ladder", ""), *ladder, ("Data incidents", incident_words(done))]
    width = max(len(name) for name, _ in rows)
    shown = [f"  {name:<{width}}  {words}".rstrip() for name, words in rows]
    return "\n".join(shown).replace("\u00a0", " ").replace(MINUS, "-")


def incident_words(done: PortfolioResult) -> str:
    """Say how many incidents the data of all instruments have, and what was earned inside them."""
    found = incidents(done)
    if not found:
        return "none inside the range"
    exposed = sum(incident.exposed for _, incident in found)
    return f"{len(found):,}, {exposed:,} with the position of their instrument open; {inside_words(account(done))}"


def footing(done: PortfolioResult) -> str:
    """Write the counters, the versions that were read, and the digest."""
    counted = ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in counters(done).items())
    lines = [f"counted   {counted}"]
    for one in done.instruments:
        read = ", ".join(f"{name} v{version}" for name, version in one.versions.items())
        lines.append(f"read      {one.scene.instrument}: {read}")
    return "\n".join([*lines, f"digest    {done.digest}", f"repeat    tallow results replay {done.key[:12]}"])
