"""Bronze to silver to gold: only what has changed, and always as if everything had come at once."""

from tallow.flows.refine.flow import RefineReport, Step, refine

__all__ = ["RefineReport", "Step", "refine"]
