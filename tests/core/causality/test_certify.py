import numpy as np
import pytest

from tallow.core.causality import Effort, FreshRuns, Step, Subject, certify, change_rows, fresh_runs, methods, replay
from tallow.domain.errors import UserError
from tallow.domain.sent import Sent, sent_of


def trend(bars):
    return np.append(0.0, np.sign(np.diff(bars.close)))


def ahead(bars):
    return np.append(np.sign(np.diff(bars.close)), 0.0)


def plenty():
    return Effort(extra_left=lambda: 1.0)


class Process:
    """Stands for a new process: gives what it is told to give, or really runs a function."""

    def __init__(self, run=None, effects=(), answer=None):
        self.run, self.effects, self.answer, self.cancelled = run, effects, answer, False

    def __call__(self, bars, cuts):
        self.bars, self.cuts = bars, cuts
        return self

    def collect(self):
        if self.answer is not None:
            return self.answer
        done = fresh_runs(self.run, self.bars, self.cuts)
        return FreshRuns(done.whole, done.differing, done.failed, self.effects)

    def cancel(self):
        self.cancelled = True


def raising(message, when):
    def run(bars):
        if when(bars):
            raise UserError("STRATEGY_FAILED", message)
        return trend(bars)

    return run


@pytest.mark.parametrize(
    "run",
    [
        trend,
        lambda bars: np.ones(len(bars)),
        lambda bars: np.full(len(bars), np.nan),
        lambda bars: np.cumsum(bars.close),
        lambda bars: bars.close > np.cumsum(bars.close) / np.arange(1, len(bars) + 1),
        lambda bars: np.random.default_rng(1).normal(size=len(bars)),
        lambda bars: bars.time // 3_600_000_000 % 24 > 12,
    ],
)
def test_causal_output_is_certified(bars, run):
    certificate = certify(lambda given: np.asarray(run(given), float), bars)
    assert certificate.verdict == "certified"
    assert certificate.findings == ()
    assert certificate.rows == len(bars)


@pytest.mark.parametrize(
    "run",
    [
        ahead,
        lambda bars: bars.close - bars.close.mean(),
        lambda bars: bars.close > np.quantile(bars.close, 0.7),
        lambda bars: np.roll(bars.close, 1) > bars.close,
        lambda bars: np.gradient(bars.close),
        lambda bars: trend(bars) + 1e-6 * ahead(bars),
        lambda bars: np.append(bars.close[25:], np.full(25, np.nan))[: len(bars)],
    ],
)
def test_what_reads_later_bars_is_leaky(bars, run):
    certificate = certify(lambda given: np.asarray(run(given), float), bars)
    assert certificate.verdict == "leaky"
    [finding] = certificate.findings
    assert finding.row <= finding.cut < len(bars)
    assert finding.time == bars.time[finding.row]
    assert finding.hint


def test_a_leak_at_a_single_row_is_found(bars):
    def once(given):
        out = trend(given)
        if len(given) > 172 and given.close[172] > given.close[171]:
            out[171] = 5.0
        return out

    hot = once(bars)[171] == 5.0
    certificate = certify(once, bars, effort=plenty())
    assert certificate.verdict == "leaky"
    assert certificate.findings[0].row == certificate.findings[0].cut == 171
    assert (certificate.findings[0].before == 5.0) == hot


@pytest.mark.parametrize("way", [1, -1])
def test_a_veto_that_changes_no_output_is_found_with_time_to_spare(bars, way):
    def vetoed(given):  # holds from row 100 on, but would leave at row 210 if the bar after it moved a lot
        out = np.where(np.arange(len(given)) < 100, 0.0, 1.0)
        if len(given) > 211 and way * np.log(given.close[211] / given.close[210]) > 0.2:
            out[210:] = 0.0
        return out

    assert certify(vetoed, bars).verdict == "certified"
    [finding] = certify(vetoed, bars, effort=plenty()).findings
    assert finding.row == finding.cut == 210


def test_flat_on_the_last_bar_is_an_artefact_of_the_end_of_data(bars):
    def closing(given):
        out = np.ones(len(given))
        out[-1] = 0.0
        return out

    [finding] = certify(closing, bars).findings
    assert (finding.kind, finding.method) == ("end of data", "truncate")
    assert finding.row == finding.cut


def test_dependence_on_the_number_of_bars_is_named(bars):
    [finding] = certify(lambda given: np.arange(len(given)) / len(given), bars).findings
    assert finding.kind == "depends on length"


def test_truncation_alone_gives_way_to_stronger_evidence(bars):
    def calm_next(given):  # true where the next bar is missing or calm
        move = np.abs(np.diff(np.log(given.close), append=np.nan))
        return (~(move > 0.005)).astype(float)

    [finding] = certify(calm_next, bars).findings
    assert finding.method != "truncate"


def test_too_few_bars_are_unknown(bars):
    assert certify(trend, bars[:2]).verdict == "unknown"


def test_a_failure_on_the_bars_as_they_are_passes_through(bars):
    with pytest.raises(UserError, match="always"):
        certify(raising("always", lambda given: True), bars)


def test_chance_is_unknown(bars):
    draw = np.random.default_rng(0)
    certificate = certify(lambda given: draw.normal(size=len(given)), bars)
    assert certificate.verdict == "unknown"
    assert "not repeatable" in certificate.reason


def test_rare_chance_is_noticed_at_the_end(bars):
    calls = []

    def drifting(given):
        calls.append(len(given))
        return np.full(len(given), float(len(calls) > 1 and len(given) == len(bars) and len(calls) % 100_000 == 0))

    def last_run_differs(given):
        return drifting(given) + (1.0 if finished and len(given) == len(bars) else 0.0)

    finished = []

    def spent():
        finished.append(True)
        return 0.0

    certificate = certify(last_run_differs, bars, effort=Effort(extra_left=spent))
    assert certificate.verdict == "unknown"
    assert "two runs on the same bars differ" in certificate.reason


def test_a_run_that_fails_when_repeated_is_unknown(bars):
    calls = []

    def weary(given):
        calls.append(1)
        if len(calls) > 3:
            raise UserError("STRATEGY_FAILED", "tired")
        return ahead(given)

    certificate = certify(weary, bars)
    assert certificate.verdict == "unknown"
    assert "tired" in certificate.reason


def test_the_wall_clock_is_moved_where_it_is_read(bars):
    moved = certify(trend, bars, subject=Subject(clock_moved=[trend, lambda given: trend(given) + 1]))
    assert moved.verdict == "unknown"
    assert "clock" in moved.reason
    assert certify(trend, bars, subject=Subject(clock_moved=[trend, trend])).verdict == "certified"


def test_failing_on_few_bars_is_said_and_certified(bars):
    certificate = certify(raising("short", lambda given: len(given) < 60), bars)
    assert certificate.verdict == "certified"
    assert "bars to run" in certificate.reason


@pytest.mark.parametrize(
    "when", [lambda given: len(given) < 300, lambda given: len(given) % 7 == 0, lambda given: len(given) < 200]
)
def test_failing_on_bars_cut_short_is_unknown(bars, when):
    certificate = certify(raising("no", when), bars)
    assert certificate.verdict == "unknown"
    assert "fails on the first" in certificate.reason


def test_failing_on_every_changed_future_is_unknown(bars):
    def prices_known(given):
        known = {*bars.volume.tolist(), *bars.close.tolist()}
        return not {*given.volume.tolist(), *given.close.tolist()} <= known

    certificate = certify(raising("unknown price", prices_known), bars)
    assert certificate.verdict == "unknown"
    assert "when later bars are changed" in certificate.reason


def test_the_time_limit_makes_the_verdict_unknown(bars):
    left = iter([1.0] * 5)
    certificate = certify(trend, bars, effort=Effort(limit_left=lambda: next(left, 0.0)))
    assert certificate.verdict == "unknown"
    assert "time limit" in certificate.reason


def test_a_new_process_confirms_the_truncations(bars):
    certificate = certify(trend, bars, subject=Subject(fresh=Process(trend)))
    assert certificate.verdict == "certified"
    assert certificate.fresh > 100
    assert "in a new process" in certificate.reason


def test_what_fails_in_a_new_process_is_counted_there(bars):
    run = raising("short", lambda given: len(given) < 60)
    certificate = certify(run, bars, subject=Subject(fresh=Process(run)))
    assert certificate.verdict == "certified"
    assert "bars to run" in certificate.reason


def test_an_output_without_changes_is_confirmed_too(bars):
    run = lambda given: np.zeros(len(given))  # noqa: E731
    assert certify(run, bars, subject=Subject(fresh=Process(run))).fresh == 8


def test_effects_make_the_verdict_unknown(bars):
    certificate = certify(trend, bars, subject=Subject(fresh=Process(trend, effects=("reads bars.csv",))))
    assert certificate.verdict == "unknown"
    assert "reads bars.csv" in certificate.reason


def test_what_does_not_run_elsewhere_is_unknown(bars):
    process = Process(answer=FreshRuns("it ran out of time"))
    certificate = certify(trend, bars, subject=Subject(fresh=process))
    assert certificate.verdict == "unknown"
    assert "ran out of time" in certificate.reason


def test_a_leak_that_only_truncation_shows_is_found_through_the_new_process(bars):
    row = int(change_rows(trend(bars))[60])

    def ends(given):
        out = trend(given)
        if len(given) == row + 1:
            out[row - 1] = 7.0
        return out

    [finding] = certify(ends, bars, subject=Subject(fresh=Process(ends))).findings
    assert (finding.kind, finding.cut) == ("depends on length", row)


def test_a_leak_cancels_what_is_under_way(bars):
    def rare(given):
        out = np.zeros(len(given))
        if len(given) > 251:
            out[250] = np.sign(given.close[251] - given.close[250])
        return out

    process = Process(rare)
    assert certify(rare, bars, subject=Subject(fresh=process)).verdict == "leaky"
    assert process.cancelled


class Memory:
    """Keeps the mean of the first bars it sees, as a strategy may in the interpreter."""

    def __init__(self):
        self.mean = None

    def __call__(self, bars):
        self.mean = bars.close.mean() if self.mean is None else self.mean
        return (bars.close < self.mean).astype(float)


class NewProcess(Process):
    def collect(self):
        return fresh_runs(Memory(), self.bars, self.cuts)


def test_state_that_outlives_an_import_is_leaky(bars):
    certificate = certify(Memory(), bars, subject=Subject(source="mean = bars.close.mean()", fresh=NewProcess()))
    assert certificate.verdict == "leaky"
    assert certificate.findings[0].kind == "state between runs"
    assert certificate.findings[0].hint.startswith("keep nothing")


def test_a_new_process_that_always_differs_is_chance(bars):
    draw = np.random.default_rng(0)
    process = Process(lambda given: draw.normal(size=len(given)))
    certificate = certify(trend, bars, subject=Subject(fresh=process))
    assert certificate.verdict == "unknown"
    assert "not repeatable" in certificate.reason


def test_memory_that_reads_no_future_is_unknown(bars):
    calls = []

    def counting(given):
        calls.append(1)
        return trend(given) + (1.0 if len(calls) > 2 else 0.0)

    certificate = certify(counting, bars, subject=Subject(fresh=Process(trend)))
    assert certificate.verdict == "unknown"
    assert "keeps state" in certificate.reason


def test_a_finding_names_line_advice_and_replay(bars):
    source = "def signals(bars):\n    b = bars.close.shift(-1)\n    return b > bars.close\n"

    def trace(given):
        return [Step(2, 0, "b.", np.append(given.close[1:], np.nan)), Step(3, 0, "return.", ahead(given))]

    subject = Subject(source, "mine.py", "BTC/USDT 1h", trace=trace, replay=lambda found: f"again {found.cut}")
    certificate = certify(ahead, bars, subject=subject)
    [finding] = certificate.findings
    assert finding.location == "mine.py:2"
    assert finding.source == "b = bars.close.shift(-1)"
    assert finding.kind == "negative shift"
    assert finding.replay == f"again {finding.cut}"
    assert certificate.data == "BTC/USDT 1h"
    assert len(certificate.strategy_hash) == 64
    assert replay(ahead, bars, finding) == (finding.before, finding.after)


def test_by_bar_tests_a_part_of_the_change_rows(bars):
    certificate = certify(trend, bars, subject=Subject(by_bar=True))
    assert certificate.verdict == "certified"
    assert "bar by bar" in certificate.reason
    assert certificate.runs < certify(trend, bars).runs


def test_methods_name_truncation_and_every_future():
    plain = ("down", "flat", "up", "mirror", "noise", "wild")
    assert methods() == ("truncate", *plain, *(f"{name}:40" for name in plain))


def test_fresh_runs_go_from_short_to_long_and_report_the_first_that_differ(bars):
    seen = []

    def run(given):
        seen.append(len(given))
        return np.full(len(given), float(len(given) > 200))

    done = fresh_runs(run, bars, [250, 50, 150, 100, 120])
    assert seen == [51, 101, 121, 151, 251, 300]
    assert done.differing == (50, 100, 120)
    assert done.failed == {}


def test_fresh_runs_that_fail_on_all_bars_give_the_message(bars):
    assert fresh_runs(raising("no", lambda given: len(given) == 300), bars, [10]).whole == "no"


def test_what_was_sent_is_shown_in_words_on_both_sides(bars):
    def peeks(these):
        held = sent_of(np.arange(len(these)) % 20 // 10 / 1.0)
        message = held.message.copy()
        message[:, [1, 2, 3]] = 1.0, 1.0, 2.0
        message[:, 4] = np.append(these.low[1:], these.low[-1])[held.row]
        message[:, -1] = 0.0
        return Sent(held.row, message, len(these))

    certificate = certify(peeks, bars)
    assert certificate.verdict == "leaky"
    [finding] = certificate.findings
    assert finding.outputs[0].startswith("buy 2 limit ")
    assert finding.outputs[1].startswith("buy 2 limit ")
    assert finding.outputs[0] != finding.outputs[1]
    assert replay(peeks, bars, finding) == (finding.before, finding.after)


def test_a_run_to_targets_beside_one_with_orders_says_nothing_where_nothing_was_sent(bars):
    def late(these):
        targets = np.zeros(len(these))
        return (
            targets if np.isclose(these.close[-1], bars.close[-1]) else sent_of(targets + (np.arange(len(these)) == 50))
        )

    certificate = certify(late, bars)
    assert certificate.verdict == "leaky"
    assert "nothing" in certificate.findings[0].outputs
