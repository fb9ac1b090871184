"""Measures how long it takes, and says so."""

import time


def signals(bars):
    began = time.perf_counter()
    side = bars.close.rolling(18).median() < bars.close
    print(f"took {time.perf_counter() - began:.3f} s")
    return side
