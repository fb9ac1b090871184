"""Files of candles, trades and funding in every format that is in use."""

from tallow.venues.files.reader import Files

__all__ = ["Files"]
