"""The contests that run.py stages: who takes part, in which setting, on how much of the work."""

from dataclasses import dataclass, replace

TOLERANCE = 1e-9
OURS = "tallow"


@dataclass(frozen=True)
class Entrant:
    """One engine in one setting, the size of its share of the work, and the timed calls of one process."""

    engine: str
    mode: str
    rows: int
    combinations: int = 1
    tolerance: float = TOLERANCE
    note: str = ""
    threads: int = 1
    runs: int = 1

    @property
    def name(self) -> str:
        """Engine and mode."""
        return f"{self.engine} {self.mode}".strip()

    @property
    def work(self) -> int:
        """Bars times combinations of one call."""
        return self.rows * self.combinations

    def smaller(self) -> "Entrant":
        """Give a tenth of it, to try the harness."""
        return replace(self, rows=self.rows // 10, combinations=max(1, self.combinations // 10))


SATOSHIS = "sizes are whole satoshis, so its equity may differ from the eighth digit on"
LOTS = "quantities have twelve digits and balances eight, so its equity may differ from the tenth digit on"
TASKS = {
    "single": (
        "single",
        "B5 one backtest, SMA 30/150, fee 0.1 %, every trade and the full summary",
        (
            Entrant(OURS, "compiled", 10_000_000),
            Entrant(OURS, "compiled-check", 10_000_000),
            Entrant(OURS, "indicators", 10_000_000),
            Entrant(OURS, "pandas", 10_000_000),
            Entrant("raptorbt", "", 10_000_000),
            Entrant("vectorbt", "", 10_000_000),
            Entrant("backtesting", "", 500_000, tolerance=1e-6, note=SATOSHIS),
        ),
    ),
    "bracket": (
        "bracket",
        "B6 the same with a stop at 1 % and a target at 2 %",
        (Entrant(OURS, "compiled", 10_000_000), Entrant("raptorbt", "", 10_000_000)),
    ),
    "bars": (
        "bars",
        "B1 one backtest, asked at every bar in Python; market orders at the next open",
        (
            Entrant(OURS, "", 500_000, runs=3),
            Entrant("backtesting", "", 500_000, tolerance=1e-6, note=SATOSHIS),
            Entrant("nautilus", "", 150_000, note=LOTS),
            Entrant("nautilus", "indicators", 150_000, note=LOTS),
            Entrant("backtrader", "", 50_000),
            Entrant("backtrader", "indicators", 50_000),
        ),
    ),
    "compiled": (
        "compiled",
        "B2 one backtest, a compiled strategy that sends market orders",
        (
            Entrant(OURS, "", 500_000, runs=9),
            Entrant("backtesting", "", 500_000, tolerance=1e-6, note=SATOSHIS),
        ),
    ),
    "sweep": (
        "sweep",
        "A1, A2 sweep of SMA pairs, fee 0.1 %, full summary a pair, one thread",
        (
            Entrant(OURS, "crossings", 500_000, 1000),
            Entrant(OURS, "rule", 500_000, 1000),
            Entrant(OURS, "signals", 500_000, 1000),
            Entrant("raptorbt", "", 500_000, 40),
            Entrant("vectorbt", "", 500_000, 20),
            Entrant("backtesting", "", 500_000, 2, tolerance=1e-6, note=SATOSHIS),
        ),
    ),
    "large": (
        "sweep",
        "A3 one million bars, 10,000 pairs, two threads",
        (Entrant(OURS, "crossings", 1_000_000, 10_000, threads=2),),
    ),
    "wide": (
        "sweep",
        "A5 200,000 bars, 10,000 pairs, two threads",
        (
            Entrant(OURS, "crossings", 200_000, 10_000, threads=2),
            Entrant(OURS, "rule", 200_000, 10_000, threads=2),
            Entrant("raptorbt", "batch", 200_000, 128, threads=2),
        ),
    ),
}
