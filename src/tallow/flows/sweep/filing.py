"""A walk forward as records hold it, and back."""

import json
import math
from dataclasses import asdict, replace
from typing import Any

from tallow.domain.errors import TerminalError
from tallow.domain.results import Filed, plain_body, result_of, run_arrays, run_of
from tallow.domain.scene import parse_scene
from tallow.domain.sent import order_arrays, orders_of
from tallow.domain.sweep import Axis, Fold, Search, WalkForwardResult


def file_of(done: WalkForwardResult) -> Filed:
    """Write a walk down: what was searched, every choice, the joined account, the pinned versions."""
    result = done.result
    body = {
        **plain_body(result),
        "search": plain_search(done.search),
        "walk": {"train": done.train, "test": done.test, "anchored": done.anchored, "in_time": True},
        "folds": [_plain(fold) for fold in done.folds],
        "combinations": done.combinations,
    }
    return Filed(
        key=result.key,
        kind="walk-forward",
        digest=result.digest,
        created=result.created,
        strategy=result.scene.strategy,
        instruments=(str(result.scene.instrument),),
        timeframe=str(result.scene.timeframe),
        verdict=result.certificate.verdict if result.certificate else "unproven",
        scene=json.loads(result.scene.canonical()),
        body=body,
        arrays={**run_arrays(result.run), **order_arrays(result)},
    )


def walk_of(found: Filed) -> WalkForwardResult:
    """Read a walk back; nothing of it was computed now.

    Raises:
        TerminalError: DAMAGED_RESULT when the numbers do not give the digest.
    """
    body = dict(found.body)
    search, walk, folds, count = (body.pop(name) for name in ("search", "walk", "folds", "combinations"))
    run = run_of(found.arrays)
    if run.digest() != found.digest:
        raise TerminalError(
            "DAMAGED_RESULT",
            f"walk forward {found.key[:16]} does not give its digest",
            facts={"digest": found.digest[:16]},
            commands=[f"tallow results remove {found.key}"],
        )
    scene = parse_scene(json.dumps(found.scene))
    return WalkForwardResult(
        search=search_in(search),
        result=replace(
            result_of(body, key=found.key, digest=found.digest, created=found.created, scene=scene, run=run),
            **orders_of(found.arrays),
        ),
        folds=tuple(_fold(values) for values in folds),
        anchored=walk["anchored"],
        combinations=count,
        computed=0,
        seconds=0.0,
        train=walk["train"],
        test=walk["test"],
    )


def plain_search(search: Search) -> dict[str, Any]:
    """Give a search as plain values."""
    axes = [{"name": axis.name, "values": axis.values, **_limits(axis)} for axis in search.axes]
    return {**asdict(search), "axes": axes}


def search_in(values: dict[str, Any]) -> Search:
    """Read a search back."""
    axes = tuple(_axis(axis) for axis in values["axes"])
    return Search(**{**values, "axes": axes, "constraints": tuple(values["constraints"])})


def _limits(axis: Axis) -> dict[str, float]:
    return {"low": axis.low, "high": axis.high} if axis.is_open else {}


def _axis(values: dict[str, Any]) -> Axis:
    limits = (values["low"], values["high"]) if "low" in values else (math.nan, math.nan)
    return Axis(values["name"], tuple(values["values"]), *limits)


def _plain(fold: Fold) -> dict[str, Any]:
    return {
        "train": [fold.train.start, fold.train.stop],
        "test": [fold.test.start, fold.test.stop],
        "parameters": dict(fold.parameters),
        "trained": None if math.isnan(fold.trained) else fold.trained,
        "tested": None if math.isnan(fold.tested) else fold.tested,
        "test_return": fold.test_return,
    }


def _fold(values: dict[str, Any]) -> Fold:
    trained, tested = (math.nan if values[name] is None else values[name] for name in ("trained", "tested"))
    train, test = range(*values["train"]), range(*values["test"])
    return Fold(train, test, values["parameters"], trained, tested, values["test_return"])
