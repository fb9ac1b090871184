"""Reads ahead until there is nothing left to read."""


def signals(bars):
    out = []
    for i in range(len(bars)):
        try:
            out.append(float(bars.close.values[i + 4] > bars.close.values[i]))
        except IndexError:
            out.append(0.0)
    return out
