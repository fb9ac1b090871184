"""Every leaky strategy is caught, every clean one certified, every one that cannot be told is unknown."""

import shutil
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tallow.flows.check import Bench, Budget, check
from tallow.runners.inline import Conditions, clock_moved, is_event_driven, load, probe
from tallow.runners.watch import watch

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parent
LEAKY = sorted(file.stem for file in (FOLDER / "leaky").glob("*.py"))
CLEAN = sorted(file.stem for file in (FOLDER / "clean").glob("*.py"))
UNKNOWN = sorted(file.stem for file in (FOLDER / "unknown").glob("*.py"))

NAMED = {
    "shift_1": ("negative shift", "close.shift(-1)"),
    "centred_mean": ("centred window", "center=True"),
    "backfill_gaps": ("backward fill", "bfill()"),
    "global_mean": ("whole-sample statistic", "close.mean()"),
    "resample_last": ("higher timeframe", "resample('4h')"),
    "filtfilt": ("zero-phase filter", "filtfilt("),
    "fitted_scaler": ("fit on all rows", "fit_transform("),
    "asof_nearest": ("higher timeframe", "resample('1D')"),
    "from_the_end": ("reversed order", "[::-1]"),
    "roll_wrap": ("wraps around", "np.roll("),
    "last_row_flat": ("end of data", "iloc[-1] = 0.0"),
    "length": ("depends on length", "len(bars)"),
    "state_on_pandas": ("state between runs", "_kept_rows"),
    "trix_peak": ("index ahead", "line[t + 1]"),
    "rare_veto": ("index ahead", "close[i + 1]"),
    "numba_ahead": ("index ahead", "close[i + 1]"),
}


class Stopwatch:
    now = staticmethod(lambda: 0)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


@pytest.fixture
def verdict(tmp_path, market, processes):
    """Check a strategy of the corpus in a folder of its own, which holds the data as a file too."""

    def checked(kind, name):
        path = tmp_path / f"{name}.py"
        shutil.copy(FOLDER / kind / path.name, path)
        np.savetxt(tmp_path / "bars.csv", market.close, header="close", comments="")
        (tmp_path / "levels.txt").write_text("20000")
        strategy = load(str(path))
        bench = Bench(
            probe(strategy),
            Stopwatch(),
            fresh=partial(processes.begin, strategy, Conditions()),
            trace=partial(watch, strategy),
            clock_moved=clock_moved(strategy),
            by_bar=is_event_driven(strategy),
            file=path.name,
        )
        return check(strategy, market, bench, budget=Budget(extra=0.02))

    return checked


@pytest.mark.parametrize("name", LEAKY)
def test_a_leaky_strategy_is_caught(verdict, name):
    certificate = verdict("leaky", name)
    if name == "state_in_sys":  # what it gives depends on which call came first
        assert certificate.verdict == "unknown"
        assert "keeps state between calls" in certificate.reason
        return
    assert certificate.verdict == "leaky", certificate.reason
    [finding] = certificate.findings
    assert finding.row <= finding.cut
    assert finding.before != finding.after
    if name in NAMED:
        kind, text = NAMED[name]
        assert finding.kind == kind
        assert text.replace("'", '"') in finding.source.replace("'", '"')


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_strategy_is_certified(verdict, name):
    certificate = verdict("clean", name)
    assert certificate.verdict == "certified", certificate.reason
    assert certificate.fresh > 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("clock", "changes with the wall clock"),
        ("hash_order", "not repeatable"),
        ("keeps_a_file", "keeps_a_file.npy"),
        ("needs_all_rows", "fails on the first"),
        ("reads_data_file", "bars.csv"),
        ("reads_data_with_polars", "bars.csv"),
        ("reads_saved_levels", "levels.txt"),
        ("unseeded", "not repeatable"),
        ("unseeded_and_leaky", "not repeatable"),
    ],
)
def test_what_cannot_be_told_is_unknown_and_says_why(verdict, name, reason):
    certificate = verdict("unknown", name)
    assert certificate.verdict == "unknown"
    assert reason in certificate.reason


def test_the_corpus_is_as_large_as_the_documentation_says():
    assert (len(LEAKY), len(CLEAN), len(UNKNOWN)) == (97, 63, 9)
