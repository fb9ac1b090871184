"""A cross-validation as records hold it, and back."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from tallow.core.splits import CombinatorialPurged
from tallow.domain.errors import TerminalError
from tallow.domain.results import Filed, plain_body, result_of, run_arrays, run_of
from tallow.domain.scene import parse_scene
from tallow.flows.sweep.cross_values import CrossPath, CrossSplit, CrossValidationResult
from tallow.flows.sweep.filing import plain_search, search_in


def file_of(done: CrossValidationResult) -> Filed:
    """Write it down: what was searched, every choice, every path, the account of the middle one, pinned versions."""
    result = done.result
    body = {
        **plain_body(result),
        "search": plain_search(done.search),
        "plan": asdict(done.plan),
        "splits": [plain_split(split) for split in done.splits],
        "paths": [plain_path(path) for path in done.paths],
        "middle": done.middle,
        "combinations": done.combinations,
    }
    equity = {f"equity of path {number}": path.equity for number, path in enumerate(done.paths)}
    return Filed(
        key=result.key,
        kind="cross-validation",
        digest=result.digest,
        created=result.created,
        strategy=result.scene.strategy,
        instruments=(str(result.scene.instrument),),
        timeframe=str(result.scene.timeframe),
        verdict=result.certificate.verdict if result.certificate else "unproven",
        scene=json.loads(result.scene.canonical()),
        body=body,
        arrays={**run_arrays(result.run), **equity, "rows": done.rows},
    )


def cross_of(found: Filed) -> CrossValidationResult:
    """Read a cross-validation back; nothing of it was computed now.

    Raises:
        TerminalError: DAMAGED_RESULT when the numbers do not give the digest.
    """
    body = dict(found.body)
    names = ("search", "plan", "splits", "paths", "middle", "combinations")
    search, plan, splits, paths, middle, count = (body.pop(name) for name in names)
    run = run_of(found.arrays)
    digests = [path["digest"] for path in paths]
    if run.digest() != digests[middle] or sha256("".join(digests).encode()).hexdigest() != found.digest:
        raise TerminalError(
            "DAMAGED_RESULT",
            f"cross-validation {found.key[:16]} does not give its digest",
            facts={"digest": found.digest[:16]},
            commands=[f"tallow results remove {found.key}"],
        )
    scene = parse_scene(json.dumps(found.scene))
    return CrossValidationResult(
        search=search_in(search),
        plan=CombinatorialPurged(**plan),
        result=result_of(body, key=found.key, digest=found.digest, created=found.created, scene=scene, run=run),
        splits=tuple(_split(values) for values in splits),
        paths=tuple(_path(values, found, number) for number, values in enumerate(paths)),
        middle=middle,
        rows=found.arrays["rows"],
        combinations=count,
        computed=0,
        seconds=0.0,
    )


def plain_split(split: CrossSplit) -> dict[str, Any]:
    """Give a split as plain values; undefined numbers are None."""
    return {
        "groups": list(split.groups),
        "train": [[piece.start, piece.stop] for piece in split.train],
        "test": [[piece.start, piece.stop] for piece in split.test],
        "parameters": dict(split.parameters),
        "trained": _known(split.trained),
        "tested": _known(split.tested),
        "test_return": split.test_return,
    }


def plain_path(path: CrossPath) -> dict[str, Any]:
    """Give a path as plain values, without its equity."""
    return {
        "splits": list(path.splits),
        "digest": path.digest,
        "bar_sharpe": _known(path.bar_sharpe),
        "metrics": dict(path.metrics),
    }


def _split(values: Mapping[str, Any]) -> CrossSplit:
    train, test = (tuple(range(*piece) for piece in values[name]) for name in ("train", "test"))
    trained, tested = _number(values["trained"]), _number(values["tested"])
    return CrossSplit(
        tuple(values["groups"]), train, test, values["parameters"], trained, tested, values["test_return"]
    )


def _path(values: Mapping[str, Any], found: Filed, number: int) -> CrossPath:
    return CrossPath(
        splits=tuple(values["splits"]),
        digest=values["digest"],
        bar_sharpe=_number(values["bar_sharpe"]),
        metrics=values["metrics"],
        equity=found.arrays[f"equity of path {number}"],
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _number(value: float | None) -> float:
    return math.nan if value is None else value
