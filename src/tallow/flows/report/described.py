"""The result as plain values: what `--json` prints."""

import json
from dataclasses import asdict
from typing import Any

from tallow.domain.results import Result
from tallow.flows.report.orders import order_states


def describe(result: Result) -> dict[str, Any]:
    """Give everything but the arrays."""
    return {
        "key": result.key,
        "digest": result.digest,
        "scene": json.loads(result.scene.canonical()),
        "strategy_hash": result.strategy_hash,
        "engine_version": result.engine_version,
        "table_versions": dict(result.table_versions),
        "data_digest": result.data_digest,
        "origin": result.origin,
        "bars_origin": result.bars_origin,
        "metrics": dict(result.metrics),
        "certificate": result.certificate.to_dict() if result.certificate else None,
        "orders": order_states(result.orders),
        "score": result.score,
        "ladder": [asdict(rung) for rung in result.ladder],
        "incidents": [asdict(incident) for incident in result.incidents],
        "notes": list(result.notes),
        "created": result.created,
    }
