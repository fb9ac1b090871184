"""The lake on Delta tables: every table of the domain, versioned, under one folder."""

from tallow.stores.lake.store import DeltaLake

__all__ = ["DeltaLake"]
