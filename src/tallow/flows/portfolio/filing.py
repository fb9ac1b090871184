"""A portfolio's result as records hold it, and back."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tallow.core.portfolio import AccountRules, Panel, PortfolioRun
from tallow.domain.errors import TerminalError
from tallow.domain.evidence import Certificate, Incident, Rung
from tallow.domain.portfolio import PortfolioScene, parse_portfolio_scene
from tallow.domain.results import Filed
from tallow.domain.scene import Scene
from tallow.flows.portfolio.rules import parse_rebalance
from tallow.flows.portfolio.values import Instrument, PortfolioResult

_COUNTED = ("bars", "profit", "trades", "open_trades", "fees", "exposure_pct", "stale_marks")


def file_of(result: PortfolioResult) -> Filed:
    """Write a result down; the bars stay in the lake, pinned by their versions."""
    run, scene = result.run, result.scene
    body = {
        "strategy_source": result.source,
        "strategy_hash": result.strategy_hash,
        "engine_version": result.engine_version,
        "metrics": dict(result.metrics),
        "instruments": [_plain(one) for one in result.instruments],
        "run": {
            "rejected_orders": run.rejected_orders,
            "ambiguous_bars": run.ambiguous_bars,
            "shrunk_purchases": run.shrunk_purchases,
            "liquidations": run.liquidations,
        },
        "certificate": result.certificate.to_dict() if result.certificate else None,
        "notes": list(result.notes),
        "score": result.score,
        "ladder": [asdict(rung) for rung in result.ladder],
    }
    return Filed(
        key=result.key,
        kind="portfolio",
        digest=result.digest,
        created=result.created,
        strategy=scene.strategy,
        instruments=tuple(map(str, scene.instruments)),
        timeframe=str(scene.timeframe),
        verdict=result.certificate.verdict if result.certificate else "unproven",
        scene=json.loads(scene.canonical()),
        body=body,
        arrays={"time": run.time, "equity": run.equity, "asked": run.asked, "events": run.events},
    )


def scene_in(found: Filed) -> PortfolioScene:
    """Read what was run."""
    return parse_portfolio_scene(found.scene)


def rules_of(scene: PortfolioScene) -> AccountRules:
    """Give the rules of an account as values."""
    return AccountRules(parse_rebalance(scene.rebalance), scene.margin, scene.leverage)


def versions_in(found: Filed) -> list[dict[str, int]]:
    """Give the table versions that each instrument was read at."""
    return [dict(one["versions"]) for one in found.body["instruments"]]


def result_of(found: Filed, panel: Panel) -> PortfolioResult:
    """Read a result back, with the bars it ran on.

    Raises:
        TerminalError: DAMAGED_RESULT when the numbers do not give the digest on these bars.
    """
    body, scene = found.body, scene_in(found)
    counted, certificate = body["run"], body["certificate"]
    run = PortfolioRun(
        panel=panel,
        start_cash=float(scene.cash),
        equity=found.arrays["equity"],
        asked=found.arrays["asked"],
        rejected_orders=tuple(counted["rejected_orders"]),
        ambiguous_bars=tuple(counted["ambiguous_bars"]),
        shrunk_purchases=counted["shrunk_purchases"],
        liquidations=counted["liquidations"],
        events=found.arrays["events"],
    )
    if len(panel) != len(run.equity) or run.digest() != found.digest:
        raise TerminalError(
            "DAMAGED_RESULT",
            f"portfolio {found.key[:16]} does not give its digest on the candles of its pinned versions",
            facts={"digest": found.digest[:16]},
            commands=[f"tallow results replay {found.key[:12]}", f"tallow results remove {found.key}"],
        )
    held = zip(scene.scenes, body["instruments"], strict=True)
    return PortfolioResult(
        key=found.key,
        digest=found.digest,
        scene=scene,
        rules=rules_of(scene),
        source=body["strategy_source"],
        strategy_hash=body["strategy_hash"],
        engine_version=body["engine_version"],
        metrics=body["metrics"],
        instruments=tuple(_instrument(one, values) for one, values in held),
        run=run,
        certificate=Certificate.from_dict(certificate) if certificate else None,
        created=found.created,
        notes=tuple(body["notes"]),
        score=body["score"],
        ladder=tuple(Rung(**rung) for rung in body["ladder"]),
    )


def _plain(one: Instrument) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "versions": dict(one.versions),
        "data_digest": one.data_digest,
        "bars_origin": one.bars_origin,
        **{name: getattr(one, name) for name in _COUNTED},
        "incidents": [asdict(incident) for incident in one.incidents],
    }


def _instrument(scene: Scene, values: Mapping[str, Any]) -> Instrument:
    return Instrument(
        symbol=values["symbol"],
        scene=scene,
        versions=values["versions"],
        data_digest=values["data_digest"],
        bars_origin=values["bars_origin"],
        **{name: values[name] for name in _COUNTED},
        incidents=tuple(Incident(**incident) for incident in values["incidents"]),
    )
