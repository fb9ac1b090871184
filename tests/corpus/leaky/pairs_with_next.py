"""Pairs every close with the next one."""


def signals(bars):
    close = list(bars.close)
    return [1 if later > now else 0 for now, later in zip(close, close[1:] + close[-1:], strict=False)]
