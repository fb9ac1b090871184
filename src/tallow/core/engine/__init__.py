"""The bar engine: target positions in, marks, fills and trades out, by one compiled step in every mode."""

from tallow.core.engine.batch import Summary, extend, run, summarize
from tallow.core.engine.checks import Market, prepare
from tallow.core.engine.live import Account, Engine, LiveBar, LiveFill, live_bars, run_path

ENGINE_VERSION = "1"  # part of every content key; a golden test ties it to the numbers

__all__ = [
    "ENGINE_VERSION",
    "Account",
    "Engine",
    "LiveBar",
    "LiveFill",
    "Market",
    "Summary",
    "extend",
    "live_bars",
    "prepare",
    "run",
    "run_path",
    "summarize",
]
