import json
from dataclasses import replace

from tallow.domain.evidence import Certificate, Incident, Rung
from tallow.domain.results import Result
from tallow.flows.report import describe


def test_plain_values_hold_everything_but_the_arrays(result: Result) -> None:
    full = replace(
        result,
        certificate=Certificate("certified", "nothing found"),
        incidents=(Incident("GAP", 0, 1, 1),),
        ladder=(Rung("costs", "1x costs", 2.0),),
    )
    found = json.loads(json.dumps(describe(full), allow_nan=False))
    assert found["key"] == result.key
    assert found["scene"]["strategy"] == result.scene.strategy
    assert found["certificate"]["verdict"] == "certified"
    assert (found["incidents"][0]["kind"], found["ladder"][0]["label"]) == ("GAP", "1x costs")
    assert (found["score"], describe(result)["certificate"]) == (None, None)
    assert "run" not in found
