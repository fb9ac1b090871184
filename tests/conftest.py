"""Fixtures that every test may use."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def shared_data_folder() -> Path | None:
    """Find the shared recordings, or None."""
    candidates = [os.environ.get("TALLOW_SHARED_DATA"), ROOT.parent / "shared" / "data"]
    return next((Path(c) for c in candidates if c and (Path(c) / "MANIFEST.sha256").exists()), None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings; the test is skipped where it is absent."""
    folder = shared_data_folder()
    if folder is None:
        pytest.skip("no shared recordings: set TALLOW_SHARED_DATA or place them in ../shared/data")
    return folder


@pytest.fixture(scope="session")
def demo_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake filled from the simulated exchange: read it, or copy it before writing."""
    from tallow.app import open_workspace

    path = tmp_path_factory.mktemp("demo") / "lake"
    workspace = open_workspace(str(path))
    workspace.ingest_simulated()
    workspace.refine()
    return path


@pytest.fixture
def own_lake(demo_lake: Path, tmp_path: Path) -> Path:
    """A copy of the demo's lake that the test may write to."""
    return Path(shutil.copytree(demo_lake, tmp_path / "lake"))


THOROUGH = (
    "core/orders/",
    "core/ticks/",
    "core/portfolio/",
    "src/tallow/core/orders/",
    "src/tallow/core/portfolio/",
    "src/tallow/core/ticks/",
    "docs/test_orders_page",
    "docs/test_adapters_page",
    "flows/report/test_orders",
    "flows/portfolio/",
    "flows/test_stored",
    "flows/ingest/test_kill",
    "core/test_orders",
    "core/test_ticks",
    "cli/test_portfolios",
    "cli/test_sweeps",
    "sdk/test_portfolios",
    "sdk/test_stored",
    "runners/test_weights",
    "sdk/test_order_strategies",
    "core/test_decisions",
)
"""Tests that `make test` leaves to `make check`: compiling their kernels alone takes a minute."""


SLOW_STRATEGIES = (
    "order_", "event_own_indicator", "hour_so_far", "day_so_far", "asof_backward", "causal_fft", "causal_sections",
    "walk_forward_classifier", "online_learner", "loop_on_rows", "volatility_target",
)  # fmt: skip
"""Strategies of the corpus that `make test` leaves to `make check`: a check of one takes seconds, or compiles."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of `THOROUGH`, and the slow strategies of the corpus."""
    for item in items:
        is_slow = item.path.parent.name == "corpus" and any(f"[{name}" in item.name for name in SLOW_STRATEGIES)
        if is_slow or str(item.path.relative_to(ROOT)).removeprefix("tests/").startswith(THOROUGH):
            item.add_marker(pytest.mark.thorough)
