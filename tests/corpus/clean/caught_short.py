"""Answers with zeros while there is too little to compute with."""

import numpy as np


def signals(bars):
    try:
        window = bars.close.to_numpy()[29]
        return (bars.close.rolling(30).mean() < bars.close) & (window > 0)
    except IndexError:
        return np.zeros(len(bars))
