import json

from tallow.domain.evidence import Certificate, Finding, Incident


def test_a_certificate_survives_json() -> None:
    finding = Finding(3, 4, 3, "down", 1.0, None, "shift", 2, "a.py:3", "x.shift(-1)", "use shift(1)", "tallow check")
    certificate = Certificate("leaky", "row 3 changes", 10, 4, 5, 6, 1, "abc", "BTC/USDT 1h", (finding,))
    assert Certificate.from_dict(json.loads(json.dumps(certificate.to_dict()))) == certificate


def test_an_incident_without_position_has_no_profit() -> None:
    assert Incident("GAP", 0, 1, 1).profit == 0.0
