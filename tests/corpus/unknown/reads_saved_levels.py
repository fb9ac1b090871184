"""Reads levels that somebody computed earlier."""

from pathlib import Path


def signals(bars):
    with open(Path(__file__).with_name("levels.txt"), encoding="utf-8") as file:
        level = float(file.read())
    return bars.close < level
