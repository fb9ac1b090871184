from collections import Counter

import pytest

from tallow.domain.errors import UserError
from tallow.venues.simulated.faults import FAULTS, Faults


def sequence(plan, count):
    found, row = [], 0
    for request in range(count):
        found.append(plan.choose(request, row))
        row = row + 1 if found[-1] else 0
    return found


def test_a_plan_is_a_function_of_its_seed():
    plan = Faults({"limited": 0.2, "html": 0.1}, seed=5)
    assert sequence(plan, 200) == sequence(plan, 200)
    assert sequence(plan, 200) != sequence(Faults(plan.rates, seed=6), 200)


def test_faults_come_as_often_as_asked():
    counts = Counter(sequence(Faults({"limited": 0.2, "html": 0.1}, in_a_row=1_000), 5_000))
    assert counts["limited"] / 5_000 == pytest.approx(0.2, abs=0.03)
    assert counts["html"] / 5_000 == pytest.approx(0.1, abs=0.02)


def test_no_more_than_so_many_in_a_row():
    found = "".join("x" if fault else "." for fault in sequence(Faults({"failed": 1.0}, in_a_row=3), 40))
    assert found == "xxx." * 10


def test_a_script_comes_first():
    plan = Faults({"failed": 1.0}, script=["", "reset", ""])
    assert sequence(plan, 4) == ["", "reset", "", "failed"]
    assert sequence(Faults(), 3) == ["", "", ""]


@pytest.mark.parametrize(
    "arguments", [{"rates": {"gremlins": 0.1}}, {"script": ["oops"]}, {"rates": dict.fromkeys(FAULTS, 0.5)}]
)
def test_a_plan_nobody_can_follow_is_refused(arguments):
    with pytest.raises(UserError) as caught:
        Faults(**arguments)
    assert caught.value.code == "BAD_FAULTS"
