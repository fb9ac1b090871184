"""Binance: what it says over REST and in bulk archives, as pages of rows."""

from tallow.venues.binance.feed import Binance

__all__ = ["Binance"]
