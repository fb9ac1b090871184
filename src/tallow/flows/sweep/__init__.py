"""Sweeps: many combinations of a strategy's parameters on one market, cached, resumable, counted as trials."""

from tallow.flows.sweep.flow import Studio, sweep
from tallow.flows.sweep.page import render

__all__ = ["Studio", "render", "sweep"]
