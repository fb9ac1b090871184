"""What was set out to be reached, and one table of what a run reached: every row, every peer, the limit beside it.

A ratio is ours to the peer's by wall time, within the run. A goal without a figure for a peer still shows the ratio.
"""

from dataclasses import dataclass, field

DASH = "-"


@dataclass(frozen=True)
class Goal:
    """A floor, and an aim beyond it."""

    floor: float
    aim: float | None = None


@dataclass(frozen=True)
class Row:
    """One setting of ours in one benchmark, and what it should reach.

    Attributes:
        number: the id of the work.
        benchmark: that of the JSON line.
        engine: ours, as the line names it; empty where the line has one figure only.
        work: in words.
        ratios: the least ratio to each peer.
        most: the largest value of a number of the line: seconds or megabytes.
    """

    number: str
    benchmark: str
    engine: str
    work: str
    ratios: dict[str, Goal] = field(default_factory=dict)
    most: dict[str, Goal] = field(default_factory=dict)


SIGNALS = {"raptorbt": Goal(6, 12)}
ROWS = (
    Row("A1", "sweep", "tallow rule", "sweep, any rule", {"vectorbt": Goal(38, 100), "raptorbt": Goal(19, 50)}),
    Row("A1", "sweep", "tallow signals", "sweep, a user's signals()", {"vectorbt": Goal(20, 50), "raptorbt": Goal(10)}),
    Row("A2", "sweep", "tallow crossings", "sweep, crossings", {"vectorbt": Goal(150, 700), "raptorbt": Goal(70, 350)}),
    Row(
        "A3",
        "large",
        "tallow crossings",
        "1M bars x 10,000 pairs",
        most={"median_s": Goal(8, 1.2), "peak_rss_mb": Goal(400)},
    ),
    Row(
        "A5",
        "wide",
        "tallow crossings",
        "200k bars x 10,000 pairs, crossings",
        most={"median_s": Goal(1.5, 0.6), "peak_rss_mb": Goal(350)},
    ),
    Row(
        "A5",
        "wide",
        "tallow rule",
        "200k bars x 10,000 pairs, any rule",
        most={"median_s": Goal(4.5, 2), "peak_rss_mb": Goal(350)},
    ),
    Row("A4", "first", "", "first result of a process", most={"cached_s": Goal(0.7, 0.2), "cold_s": Goal(5)}),
    Row(
        "B1",
        "bars",
        "tallow",
        "a class asked at every bar",
        {"backtesting": Goal(6, 15), "nautilus": Goal(18), "backtrader": Goal(70)},
    ),
    Row("B2", "compiled", "tallow", "a compiled strategy, orders", {"backtesting": Goal(300, 1500)}),
    Row("B5", "single", "tallow compiled", "10M bars, built in", {"raptorbt": Goal(15, 30)}),
    Row("B5", "single", "tallow compiled-check", "10M bars, built in, bars checked in the call"),
    Row("B5", "single", "tallow indicators", "10M bars, signals() with tallow's averages", SIGNALS),
    Row("B5", "single", "tallow pandas", "10M bars, signals() with pandas", SIGNALS),
    Row("B6", "bracket", "tallow compiled", "10M bars, stop and target", {"raptorbt": Goal(8, 20)}),
    Row("B3", "ticks", "tallow", "limit orders on trades", {"hftbacktest": Goal(4, 15)}),
    Row("B3", "calm", "tallow", "limit orders on trades, calm tape", {"nautilus": Goal(200)}),
    Row("B7", "five", "tallow", "five assets in one book, 1M bars", {"vectorbt": Goal(40, 100)}),
    Row("B7", "twenty", "tallow", "20 symbols, rebalanced daily", {"vectorbt": Goal(20, 100)}),
)
NEEDED = {"memory": "B (M)", "cache": "B (C)", "operations": "op", "calls": "call"}
UNITS = {"s": "s", "mb": "MB"}
HEAD = ("id", "work", "ours", "needs", "at best", "share", "beside", "measured", "floor", "aim", "reached")
LEGEND = """
ours, at best: bars (bars and pairs, rows of a panel, trades) a second. needs: of each of them, at the least. at best:
what this machine's memory (M), second cache (C), arithmetic (op) or Python allow then, the scarcest. share: ours of it.
measured: ours to theirs, by wall time. reached: the aim, the floor, or no and the part of the floor."""


def verdict(reached: float, goal: Goal | None, value: float, floor_is_most: bool) -> str:
    """Say how far a value went: the aim, the floor, or the part of the floor."""
    if goal is None:
        return DASH
    if goal.aim is not None and (value <= goal.aim if floor_is_most else value >= goal.aim):
        return "aim"
    return "floor" if reached >= 1 else f"no, {int(100 * reached) / 100:.2f}"  # never rounded up to a floor


def times(ratio: float) -> str:
    """Write a ratio with three digits."""
    return f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.3g}x"


def against_peers(row: Row, mine: dict, engines: list[dict]) -> list[tuple[str, ...]]:
    """Give a line for every setting of every peer: beside, measured, floor, aim, reached."""
    found = []
    for peer in engines:
        if peer["engine"].startswith("tallow"):
            continue
        goal = row.ratios.get(peer["engine"].split()[0])
        wanted = tuple(f"{value:g}x" if value else DASH for value in (goal.floor, goal.aim)) if goal else (DASH, DASH)
        if not (peer["agrees"] and mine["agrees"]):
            found.append((peer["engine"], "numbers differ", *wanted, DASH))
            continue
        ratio = mine["rate"] / peer["rate"]
        told = verdict(ratio / goal.floor if goal else 0.0, goal, ratio, floor_is_most=False)
        found.append((peer["engine"], times(ratio), *wanted, told))
    return found


def against_bounds(row: Row, mine: dict) -> list[tuple[str, ...]]:
    """Give a line for every bound on seconds or memory."""
    found = []
    for name, goal in row.most.items():
        stem, _, unit = name.rpartition("_")
        value = mine[name]
        wanted = (f"{goal.floor:g} {UNITS[unit]}", f"{goal.aim:g} {UNITS[unit]}" if goal.aim else DASH)
        what = {"median": "time", "peak_rss": "memory"}.get(stem, stem)
        told = verdict(goal.floor / value, goal, value, floor_is_most=True)
        found.append((what, f"{value:.3g} {UNITS[unit]}", *wanted, told))
    return found


def entries(known: list[dict]) -> list[tuple[str, ...]]:
    """Lay out the rows whose benchmarks ran, a line for every bound and peer."""
    lines = {line["benchmark"]: line for line in known}
    found = []
    for row in ROWS:
        line = lines.get(row.benchmark)
        if line is None:
            continue
        engines = line.get("engines", [])
        mine = next((one for one in engines if one["engine"] == row.engine), line)
        rate = mine.get("rate")
        start = (row.number, row.work, f"{rate / 1e6:,.3g} M/s" if rate else DASH, *beside_limit(mine.get("limit")))
        beside = against_bounds(row, mine) + (against_peers(row, mine, engines) if row.engine else [])
        for at, measured in enumerate(beside or [(DASH,) * 5]):
            found.append((*(start if at == 0 else ("",) * len(start)), *measured))
    return found


def beside_limit(limit: dict | None) -> tuple[str, str, str]:
    """Give what a unit of work needs, the rate that allows, and the share of it that was reached."""
    if limit is None:
        return DASH, DASH, DASH
    wanted = ((limit[name], unit) for name, unit in NEEDED.items())
    needs = " ".join(f"{value:g} {unit}" for value, unit in wanted if value) or limit["why"]
    rate = 1e3 / limit["least_ns"]
    best = f"{rate:,.{0 if rate >= 100 else 1}f} M/s" if rate > 1 else f"{limit['least_ns'] / 1e9:.2g} s"
    return needs, best, f"{100 * limit['share']:.2g} %"


def table(known: list[dict], small: bool = False) -> str:
    """Draw the table that ends a run. The first of the lines has the constants of the machine."""
    rows = [HEAD, *entries(known)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
    drawn = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    rule = "-" * max(len(line) for line in drawn)
    title = "All rows" + (": a tenth of the work, to try the harness; not a measurement" if small else "")
    return "\n".join(["", title, drawn[0], rule, *drawn[1:], LEGEND, machine(known[0])])


def machine(constants: dict) -> str:
    """Write down what the machine does at best."""
    words = {"memory_gb_s": "memory {} GB/s", "cache_gb_s": "second cache {} GB/s", "operations_g_s": "{} G op/s"}
    told = [text.format(" / ".join(f"{x:.3g}" for x in constants[key].values())) for key, text in words.items()]
    call, start = constants["python_call_ns"], 1e3 * constants["python_start_s"]
    return f"one / two threads: {', '.join(told)}; a Python call {call:.0f} ns, Python's start {start:.0f} ms"
