import json

import pytest

from tallow.domain.evidence import Certificate, Finding, Incident, outputs_in_words


def test_a_certificate_survives_json() -> None:
    finding = Finding(3, 4, 3, "down", 1.0, None, "shift", 2, "a.py:3", "x.shift(-1)", "use shift(1)", "tallow check")
    certificate = Certificate("leaky", "row 3 changes", 10, 4, 5, 6, 1, "abc", "BTC/USDT 1h", (finding,))
    assert Certificate.from_dict(json.loads(json.dumps(certificate.to_dict()))) == certificate


def test_an_incident_without_position_has_no_profit() -> None:
    assert Incident("GAP", 0, 1, 1).profit == 0.0


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ((1.0, 0.25), ("1", "0.25")),
        ((1.0, None), ("1", "no row")),
        (("buy 2 market", "nothing"), ("buy 2 market", "nothing")),
    ],
)
def test_the_outputs_of_a_finding_are_written(outputs, words) -> None:
    assert outputs_in_words(*outputs) == words
    assert Finding(3, 0, 3, "down", *outputs, "reads the next bars", 1).outputs == words
