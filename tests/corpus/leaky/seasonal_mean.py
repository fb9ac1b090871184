"""Takes out the weekly season of the whole sample."""


def signals(bars):
    change = bars.close.pct_change().fillna(0)
    season = change.groupby([bars.index.dayofweek, bars.index.hour]).transform("mean")
    return (season > 0).astype(int)
