"""Many combinations of parameters on one market: sweeps, walks forward and cross-validations, counted as trials."""

from tallow.flows.sweep.cross import Folding, cross_validate
from tallow.flows.sweep.flow import Studio, sweep
from tallow.flows.sweep.forward import Walk, walk_forward
from tallow.flows.sweep.page import render

__all__ = ["Folding", "Studio", "Walk", "cross_validate", "render", "sweep", "walk_forward"]
