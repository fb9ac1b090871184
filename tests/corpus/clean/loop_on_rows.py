"""Walks over the rows of the frame."""


def signals(bars):
    out, green = [], 0
    for row in bars.itertuples():
        green = green + 1 if row.close > row.open else 0
        out.append(1 if green >= 3 else 0)
    return out
