"""Orders on trades: the rules of bars where the path is known, with latency between strategy and venue."""

from tallow.core.ticks.batch import run_ticks_compiled
from tallow.core.ticks.live import LiveTick, TickDesk, TickEngine, run_ticks
from tallow.core.ticks.tape import Tape, prepare_ticks

__all__ = ["LiveTick", "Tape", "TickDesk", "TickEngine", "prepare_ticks", "run_ticks", "run_ticks_compiled"]
