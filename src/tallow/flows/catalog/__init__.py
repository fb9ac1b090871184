"""What the lake holds, what is missing of it, and where every row comes from."""

from tallow.flows.catalog.coverage import Coverage, Gap, coverage, known_gaps
from tallow.flows.catalog.lineage import lineage
from tallow.flows.catalog.listing import catalog

__all__ = ["Coverage", "Gap", "catalog", "coverage", "known_gaps", "lineage"]
