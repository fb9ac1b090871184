from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from tallow.domain.columns import Bars, Floats
from tallow.domain.errors import UserError
from tallow.domain.fill_rules import FillRules
from tallow.domain.market import parse_symbol
from tallow.domain.scene import Execution, Scene
from tallow.domain.timeframes import DAY, HOUR
from tallow.domain.venue_rules import RuleBook, VenueRules
from tallow.flows.backtest import Desk, backtest, backtest_bars, pin, read_market
from tallow.flows.costs import assumption_ladder
from tallow.flows.ingest import ingest
from tallow.flows.replay import replay
from tallow.flows.venue_rules import find_rules, parse_rules, read_rules, rule_notes, rule_words
from tallow.ports import InstrumentRule, Lake, Page, Payload, Strategy

START = 1_704_067_200_000_000  # 2024-01-01
BTC = parse_symbol("BTC/USDT")
NAN = float("nan")
BY_HAND = "valid_from,lot_size,tick_size\n2024-01-03,0.5,\n2024-01-05T06:30Z,7,1\n"


def stated(received: int, tick: float, lot: float, least: float) -> Page:
    """What the venue says of two instruments at a moment."""
    rules = tuple(
        InstrumentRule(parse_symbol(name), "TRADING", *numbers)
        for name, numbers in (("BTC/USDT", (tick, lot, least)), ("ETH/USDT", (0.5, 0.5, 0.5)))
    )
    return Page(Payload(repr((received, tick)).encode(), "rules.json", "test", received), "instruments", BTC, rules)


@pytest.fixture
def ruled(desk: Desk) -> Desk:
    pages = [
        stated(START + 2 * DAY, 0.1, 0.01, NAN),
        stated(START + 3 * DAY, 0.1, 0.01, NAN),
        stated(START + 4 * DAY, 10.0, 7.0, 100.0),
    ]
    ingest(pages, desk.lake)
    return desk


def switching(hold: type[Strategy]) -> Strategy:
    @dataclass(frozen=True)
    class Switch(hold):  # type: ignore[misc,valid-type]
        def targets(self, bars: Bars) -> Floats:
            return np.arange(len(bars)) // 10 % 2 * 1.0

    return Switch()


def test_the_lake_has_each_rule_from_when_it_was_first_stated(ruled: Desk) -> None:
    book = read_rules(ruled.lake, BTC)
    assert book.rules == (
        VenueRules(START + 2 * DAY, 0.1, 0.01),
        VenueRules(START + 4 * DAY, 10.0, 7.0, 100.0),
    )
    assert book.version == ruled.lake.version(*_table())
    assert len(read_rules(ruled.lake, parse_symbol("ETH/USDT")).rules) == 1


def _table() -> tuple[object, dict[str, str]]:
    from tallow.domain.tables import BRONZE_INSTRUMENTS

    return BRONZE_INSTRUMENTS, {"venue": "binance"}


def test_a_lake_without_rules_says_how_to_get_them(desk: Desk, ruled: Desk) -> None:
    for symbol, command in (("SOL/USDT", "tallow ingest binance SOL/USDT --kind instruments"), ("own:SOL/USDT", "")):
        with pytest.raises(UserError, match="no trading rules") as caught:
            find_rules(desk.lake, parse_symbol(symbol), True)
        assert (caught.value.code, caught.value.exit_code) == ("NO_RULES", 3)
        assert (command in caught.value.commands) == bool(command)


def test_a_result_is_under_the_rules_and_says_which(ruled: Desk, scene: Scene, hold: type[Strategy]) -> None:
    book = find_rules(ruled.lake, scene.instrument, "lake")
    assert book is not None
    result = backtest(replace(scene, rules=book), switching(hold), ruled)
    plain = backtest(scene, switching(hold), ruled)
    fills, later = result.run.fills, result.run.fills.time >= START + 4 * DAY
    assert np.allclose(fills.price[later] % 10.0, 0.0)
    assert np.allclose(np.abs(fills.quantity[later])[1:] % 7.0, 0.0)
    assert not np.allclose(fills.price[~later] % 10.0, 0.0)
    assert (plain.key == result.key, plain.digest == result.digest) == (False, False)
    assert result.table_versions == {**plain.table_versions, "bronze.instruments": book.version}
    assert [note for note in result.notes if note.startswith("VENUE RULES")] == [
        f"VENUE RULES 2 of 2 versions used, from bronze.instruments {book.version}; new ones begin 2024-01-05",
        "VENUE RULES before 2024-01-03 are not known: the first known ones are used there",
    ]
    assert {rung.label: rung.return_pct for rung in result.ladder}["next open"] == pytest.approx(
        result.metrics["return_pct"], rel=1e-12
    )


def test_new_rules_in_the_lake_leave_a_stored_result_as_it_was(ruled: Desk, scene: Scene, hold: type[Strategy]) -> None:
    strategy = switching(hold)
    first = backtest(replace(scene, rules=read_rules(ruled.lake, BTC)), strategy, ruled)
    ingest([stated(START + 5 * DAY, 50.0, 50.0, 50.0)], ruled.lake)
    assert replay(first, strategy, ruled).equal
    assert replay(first, strategy, ruled).differences == ()
    again = backtest(replace(scene, rules=read_rules(ruled.lake, BTC)), strategy, ruled)
    assert (again.key == first.key, again.digest == first.digest) == (False, False)


def test_rules_of_a_file_are_in_the_key(desk: Desk, scene: Scene, hold: type[Strategy], tmp_path: Path) -> None:
    path = tmp_path / "rules.csv"
    path.write_text("\ufeff" + BY_HAND)
    keys = set()
    for text in (BY_HAND, BY_HAND.replace(",7,", ",8,"), BY_HAND + "2024-01-06,7,1\n"):
        path.write_text(text)
        result = backtest(replace(scene, rules=find_rules(desk.lake, BTC, str(path))), switching(hold), desk)
        assert "bronze.instruments" not in result.table_versions
        assert any(note.startswith("VENUE RULES 2 of 2 versions used, given by hand") for note in result.notes)
        keys.add(result.key)
    assert len(keys) == 2  # a row that changes nothing is no other rule


def test_own_candles_take_rules_as_well(desk: Desk, scene: Scene, hold: type[Strategy]) -> None:
    bars, ruled = read_market(desk.lake, scene, pin(desk.lake, scene)).bars, replace(scene, rules=_book(BY_HAND))
    strategy = switching(hold)
    assert backtest_bars(ruled, strategy, bars, desk).digest == backtest(ruled, strategy, desk).digest


def _book(text: str) -> RuleBook:
    return parse_rules(text, "rules.csv", BTC)


def test_a_file_may_hold_the_rules_of_several_instruments() -> None:
    text = "valid_from,symbol,lot_size\n2024-01-01,BTC/USDT,1\n2024-01-01,ETH/USDT,2\n2024-02-01,binance:BTC/USDT,3\n"
    assert [one.lot_size for one in _book(text).rules] == [1, 3]
    with pytest.raises(UserError, match=r"rules.csv has no trading rules of binance:SOL/USDT") as caught:
        parse_rules(text, "rules.csv", parse_symbol("SOL/USDT"))
    assert caught.value.code == "NO_RULES"


def test_a_row_names_its_instrument_in_any_spelling_or_is_for_all() -> None:
    rows = ("01,,1", "02,btcusdt,2", "03,okx:BTC/USDT,3", "04,BTC-USDT,4")
    text = "\n2024-01-".join(("valid_from,symbol,lot_size", *rows))
    assert [one.lot_size for one in _book(text).rules] == [1, 2, 4]
    with pytest.raises(UserError, match=r"rules.csv, line 2: 'B T C' is no instrument") as caught:
        _book("valid_from,symbol,lot_size\n2024-01-01,B T C,1\n")
    assert caught.value.code == "BAD_RULES"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("valid_from,lot_size\n2023-13-01,1\n", "rules.csv, line 2: "),
        ("valid_from,maintenance_margin\n2023-01-01,5\n", "rules.csv: trading rules from 2023-01-01"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_name(rows: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        _book(rows)
    assert caught.value.code == "BAD_RULES"
    assert caught.value.message.startswith(message)


def test_the_ladder_of_a_stored_scene_needs_no_bars(scene: Scene) -> None:
    none = Bars.of(np.zeros(0, np.int64), (np.zeros(0),) * 5)
    rungs = assumption_ladder(replace(scene, rules=_book(BY_HAND)), np.zeros(0), none)
    assert {rung.return_pct for rung in rungs} == {0.0}


def test_a_file_of_rules_is_read() -> None:
    assert _book(" valid_from , maintenance_margin,min_notional\n\n1704067200, 0.01 ,\n").rules == (
        VenueRules(START, maintenance_margin=0.01),
    )
    assert _book(BY_HAND).rules[1] == VenueRules(START + 4 * DAY + 6 * HOUR + HOUR // 2, 1.0, 7.0)


TIERED = "valid_from,notional_from,maintenance_margin,lot_size\n2024-02-01,0,0.01,7\n2024-02-01,5000,0.05,\n"


def test_tiers_are_rows_of_the_same_moment() -> None:
    head = "valid_from,tick_size,notional_from,maintenance_margin,max_leverage\n"
    first = "2024-01-01,0.1,0,0.004,125\n2024-01-01,0.1,50000,0.005,100\n2024-01-01,,250000,0.01,\n"
    later = "2024-03-01,,,0.02,\n2024-04-01,,0,0.01,\n2024-05-01,,0,0.01,\n2024-05-01,,9,0.02,\n"
    book = _book(head + first + later)
    assert [len(one.tiers or ()) for one in book.rules] == [3, 0, 1, 2]
    assert book.rules[0].tiers == ((0, 0.004, 125), (50_000, 0.005, 100), (250_000, 0.01, 100))
    assert (book.rules[0].tick_size, book.rules[1].maintenance_margin) == (0.1, 0.02)
    assert _book(TIERED).rules == (VenueRules(START + 31 * DAY, lot_size=7.0, tiers=((0, 0.01), (5_000, 0.05))),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "heading"),
        ("tick_size\n1\n", "heading"),
        ("valid_from,tick\n2024,1\n", "heading"),
        ("valid_from,lot_size,lot_size\n", "heading"),
        ("valid_from,lot_size\n", "no rules"),
        ("valid_from,lot_size\n2024-01-01,1,2\n", "line 2: 3 cells under 2 headings"),
        ("valid_from,lot_size\n2024-01-01,1\n2024-02-01,much\n", "line 3: a cell is not a number"),
        ("valid_from,lot_size\n2024-02-01,1\n2024-01-01,1\n", "do not ascend"),
        ("valid_from,lot_size\n2024-02-01,-1\n", "outside its range"),
        ("valid_from,max_leverage\n2024-02-01,5\n", "line 2: a max_leverage without a notional_from"),
        ("valid_from,notional_from\n2024-02-01,0\n", "line 2: a tier without a maintenance_margin"),
        (TIERED + "2024-02-01,,0.1,\n", "line 4: it is neither a tier of the rules before nor later"),
        (TIERED + "2024-02-01,7000,0.1,8\n", "line 4: it is neither a tier of the rules before nor later"),
        (TIERED + "2024-02-01,4000,0.1,\n", "a tier from 4000 follows one from 5000"),
        (TIERED + "2024-01-01,0,0.1,\n", "do not ascend"),
        (TIERED.replace(",0,", ",1,"), "the first tier begins at 1"),
    ],
)
def test_a_file_that_holds_no_rules_is_refused(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        _book(text)
    assert caught.value.code == "BAD_RULES"


def test_a_file_that_cannot_be_read_is_named(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "rules.csv").write_bytes(b"\xff\xfe\xff")
    for name in ("rules.csv", "other.csv"):
        with pytest.raises(UserError, match=name) as caught:
            find_rules(lake, BTC, str(tmp_path / name))
        assert caught.value.code == "NO_RULES"
    assert find_rules(lake, BTC, None) is None
    assert find_rules(lake, BTC, False) is None


def test_notes_name_the_first_changes_and_are_silent_without_rules(scene: Scene) -> None:
    time = START + np.arange(24 * 20) * HOUR
    assert rule_notes(scene, time) == rule_notes(replace(scene, rules=_book(BY_HAND)), time[:0]) == ()
    often = RuleBook(tuple(VenueRules(START + day * DAY, tick_size=float(day)) for day in range(7)))
    (said,) = rule_notes(replace(scene, rules=often), time)
    assert said == (
        "VENUE RULES 7 of 7 versions used, given by hand; new ones begin "
        "2024-01-02, 2024-01-03, 2024-01-04, 2024-01-05 ..."
    )
    (said,) = rule_notes(replace(scene, rules=often), time[24 * 10 :])
    assert said == "VENUE RULES 1 of 7 versions used, given by hand"


def test_the_option_that_gives_the_rules_again(scene: Scene) -> None:
    assert rule_words(scene) == []
    assert rule_words(replace(scene, rules=_book(BY_HAND))) == ["--venue-rules FILE"]
    assert rule_words(replace(scene, rules=replace(_book(BY_HAND), version=3))) == ["--venue-rules"]
    filling = FillRules(participation=0.1, touch_fills=True)
    assert rule_words(replace(scene, filling=filling)) == ["--participation 0.1", "--touch-fills"]


def test_rules_must_fit_the_leverage_before_anything_runs(scene: Scene) -> None:
    book = _book("valid_from,maintenance_margin\n2024-02-01,0.3\n")
    with pytest.raises(UserError, match="from 2024-02-01 on: maintenance_margin"):
        replace(scene, rules=book, execution=Execution(leverage=5.0))
