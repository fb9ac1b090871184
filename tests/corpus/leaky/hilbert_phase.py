"""Takes the phase of the analytic signal."""

import numpy as np
from scipy.signal import hilbert


def signals(bars):
    close = bars.close
    detrended = close - close.rolling(50).mean()
    phase = np.angle(hilbert(detrended.fillna(0).to_numpy()))
    return (phase > 0).astype(float)
