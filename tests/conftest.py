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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of `THOROUGH`, and those of the corpus that send orders."""
    for item in items:
        sends_orders = item.path.parent.name == "corpus" and "[order_" in item.name
        if sends_orders or str(item.path.relative_to(ROOT)).removeprefix("tests/").startswith(THOROUGH):
            item.add_marker(pytest.mark.thorough)
