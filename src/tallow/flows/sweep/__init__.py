"""Many combinations of parameters on one market: sweeps and walks forward, cached and counted as trials."""

from tallow.flows.sweep.flow import Studio, sweep
from tallow.flows.sweep.forward import Walk, walk_forward
from tallow.flows.sweep.page import render

__all__ = ["Studio", "Walk", "render", "sweep", "walk_forward"]
