"""Mistake 7: a model of the price level, fitted to rows that a random split has drawn from all of them."""

import numpy as np


def signals(bars):
    close = bars["close"].to_numpy()
    rows = np.random.default_rng(1).permutation(np.arange(3, len(close)))[: int(0.8 * len(close))]
    past = np.column_stack([close[rows - lag] for lag in (1, 2, 3)] + [np.ones(len(rows))])
    weights = np.linalg.lstsq(past, close[rows], rcond=None)[0]
    forecast = np.full(len(close), np.nan)
    lags = np.column_stack([close[2 - lag : len(close) - lag] for lag in range(3)] + [np.ones(len(close) - 2)])
    forecast[2:] = lags @ weights
    return (forecast > close).astype(float)
