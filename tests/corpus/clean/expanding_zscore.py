"""Standardises with what was known."""


def signals(bars):
    score = (bars.close - bars.close.expanding(30).mean()) / bars.close.expanding(30).std()
    return -score.clip(-1, 1).fillna(0)
