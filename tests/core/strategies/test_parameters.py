import math

import pytest

from tallow.core.strategies.parameters import Choice, Float, Int, bind, check, parameters_of, parse_assignments
from tallow.domain.errors import UserError

FAST, LEVEL, MODE, OUTSIDE = Int(10, 2, 50), Float(0.5, 0), Choice("a", ["a", "B"]), Int(60, 2, 50)


def signals(bars, scale=2, *, fast=FAST, level=LEVEL, mode=MODE, both=True, tag="x", **rest):
    return bars


class Parent:
    window = 20
    inherited = Float(1.0)
    label = "plain"
    _hidden = 3
    table = (1, 2)

    def method(self):
        return self


class Child(Parent):
    window = Int(30, 10, 40)
    strict = False


def test_parameters_of_a_function_are_its_arguments_after_the_bars():
    assert parameters_of(signals) == {
        "scale": Int(2), "fast": Int(10, 2, 50), "level": Float(0.5, 0), "mode": Choice("a", ("a", "B")),
        "both": Choice(True, (False, True)), "tag": Choice("x"),
    }  # fmt: skip


def test_parameters_of_a_class_are_its_public_plain_attributes():
    assert parameters_of(Child) == {
        "window": Int(30, 10, 40), "inherited": Float(1.0), "label": Choice("plain"),
        "strict": Choice(False, (False, True)),
    }  # fmt: skip


def test_bind_fills_in_the_defaults_in_order_of_declaration():
    assert list(bind(signals, {"level": "2", "fast": "20"}).items()) == [
        ("scale", 2), ("fast", 20), ("level", 2.0), ("mode", "a"), ("both", True), ("tag", "x")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        (Int(1), "7", 7), (Int(1), " 7 ", 7), (Int(1), 7.0, 7), (Int(1), "7.0", 7), (Int(1), "-3", -3),
        (Int(1), 10**30, 10**30), (Int(1), str(10**30), 10**30), (Int(5, 2, 9), 2, 2), (Int(5, 2, 9), 9, 9),
        (Float(1.0), "1e-3", 0.001), (Float(1.0), 3, 3.0), (Float(1.0, high=2), "2", 2.0),
        (Choice("a", ("a", "B")), "b", "B"), (Choice("a"), "anything", "anything"), (Choice("a"), "", ""),
        (Choice(5, (5, 10)), "10", 10), (Choice(1, (1, True)), True, True),
        (Choice(True, (False, True)), "false", False),
        (Choice(True, (False, True)), "ON", True), (Choice(True, (False, True)), 0, False),
        (Choice("no", ("no", "yes")), "no", "no"),
    ],
)  # fmt: skip
def test_conversion(parameter, value, expected):
    found = check("p", parameter, value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("parameter", "value", "valid"),
    [
        (Int(5, 2, 9), 1, "a whole number from 2 up to 9"), (Int(5, 2, 9), "10", "a whole number from 2 up to 9"),
        (Int(5), "1.5", "a whole number"), (Int(5), "ten", "a whole number"), (Int(5), True, "a whole number"),
        (Int(5), None, "a whole number"), (Int(5), math.inf, "a whole number"), (Float(1.0), math.nan, "a number"),
        (Float(1.0), "nan", "a number"), (Float(1.0, 0.0), -0.1, "a number from 0"), (Float(1.0), "1,5", "a number"),
        (Float(1.0, high=0.5), "1", "a number up to 0.5"), (Float(1.0), False, "a number"),
        (Float(1.0), 10**400, "a number"),
        (Choice("a", ("a", "b")), "c", "one of a, b"), (Choice("a"), 5, "any text"),
        (Choice(True, (False, True)), "maybe", "one of False, True"),
    ],
)  # fmt: skip
def test_refusals(parameter, value, valid):
    with pytest.raises(UserError, match="period = ") as caught:
        check("period", parameter, value)
    assert caught.value.code == "BAD_PARAMETER"
    assert caught.value.facts["valid"] == valid
    assert repr(value) in caught.value.message


def test_an_unknown_name_gets_the_nearest_ones():
    with pytest.raises(UserError, match="signals has no parameter 'fsat'") as caught:
        bind(signals, {"fsat": 3})
    assert caught.value.code == "UNKNOWN_PARAMETER"
    assert caught.value.facts["nearest"].startswith("fast")
    assert "fast (a whole number from 2 up to 50)" in caught.value.facts["valid"]


def test_an_unknown_name_of_a_strategy_without_parameters():
    with pytest.raises(UserError) as caught:
        bind(lambda bars: bars, {"fast": 3})
    assert caught.value.facts == {"valid": "no parameters"}


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (lambda bars, *, fast: bars, "fast has no default"),
        (lambda bars, *, fast=None: bars, "fast has the default None"),
        (lambda bars, *, fast=OUTSIDE: bars, "fast = 60 is not"),
    ],
)
def test_bad_declarations(strategy, message):
    with pytest.raises(UserError, match=message) as caught:
        parameters_of(strategy)
    assert caught.value.code == "BAD_PARAMETER"


def test_assignments():
    assert parse_assignments(["fast=10", " slow = 2 ", "fast=11", "expression=a=b", "empty="]) == {
        "fast": "11", "slow": "2", "expression": "a=b", "empty": ""
    }  # fmt: skip
    assert parse_assignments([]) == {}


@pytest.mark.parametrize("text", ["fast", "=3", "", " = "])
def test_texts_that_assign_nothing(text):
    with pytest.raises(UserError, match="does not set a parameter") as caught:
        parse_assignments([text])
    assert caught.value.code == "BAD_PARAMETER"
