"""Keeps the highest close it ever saw in the interpreter."""

import sys


def signals(bars):
    top = max(getattr(sys, "_top_seen", 0.0), float(bars.close.max()))
    sys._top_seen = top
    return bars.close < 0.8 * top
