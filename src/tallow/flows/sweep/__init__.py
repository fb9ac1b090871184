"""Sweeps: many combinations of a strategy's parameters on one market, cached, resumable, counted as trials."""

from tallow.flows.sweep.flow import Studio, sweep

__all__ = ["Studio", "sweep"]
