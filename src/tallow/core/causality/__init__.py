"""The look-ahead certificate: does any later bar change what a strategy decided earlier?"""

from tallow.core.causality.certify import Fresh, FreshRuns, Pending, Subject, certify, fresh_runs, methods, replay
from tallow.core.causality.compare import Output, change_rows, changed_rows
from tallow.core.causality.futures import FUTURES, TRUNCATE, disturb, replace_future, truncate
from tallow.core.causality.hints import Hint, hints
from tallow.core.causality.labels import certify_label
from tallow.core.causality.locate import Step, as_numbers
from tallow.core.causality.search import Effort
from tallow.core.causality.trials import Run

__all__ = [
    "FUTURES", "TRUNCATE", "Effort", "Fresh", "FreshRuns", "Hint", "Output", "Pending", "Run", "Step", "Subject",
    "as_numbers", "certify", "certify_label", "change_rows", "changed_rows", "disturb", "fresh_runs", "hints",
    "methods", "replace_future", "replay", "truncate",
]  # fmt: skip
