"""Fill raw and bronze: from any pages, or from a venue for exactly what is missing."""

from tallow.flows.ingest.pages import IngestReport, Interrupted, SeriesReport, ingest
from tallow.flows.ingest.venue import IngestRequest, ingest_venue, plan_venue

__all__ = ["IngestReport", "IngestRequest", "Interrupted", "SeriesReport", "ingest", "ingest_venue", "plan_venue"]
