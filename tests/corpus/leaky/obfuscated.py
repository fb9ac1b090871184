"""Spells the shift in pieces."""


def signals(bars):
    move = getattr(bars["clo" + "se"], "".join(["sh", "ift"]))
    return move(~0) > bars["open"].mul(1)
