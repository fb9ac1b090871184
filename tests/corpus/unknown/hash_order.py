"""Follows the hash of a text, which differs from process to process."""


def signals(bars):
    return (bars.close > bars.close.shift(hash("up") % 1000)).astype(float) * (hash("down") % 1000)
