"""Clusters all rows at once."""

import numpy as np
from sklearn.cluster import KMeans


def signals(bars):
    close = bars.close
    x = np.column_stack([close.pct_change(5).fillna(0), close.pct_change(20).fillna(0)])
    model = KMeans(3, n_init=1, max_iter=20, random_state=0).fit(x)
    best = model.cluster_centers_[:, 0].argmax()
    return (model.labels_ == best).astype(int)
