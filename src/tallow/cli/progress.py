"""Progress by work done, on standard error."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class ProgressLine:
    """Show (phase, done, total) calls: a bar a phase on a terminal, one line a phase elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stderr)
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, phase: str, done: float, total: float) -> None:
        """Show how far a phase is; `total` 0 means that nobody knows, and a remark may follow a tab."""
        phase, _, remark = phase.partition("\t")
        # In a log file a bar that is redrawn would be a thousand lines.
        if not self._console.is_terminal:
            if phase not in self._tasks:
                self._tasks[phase] = TaskID(0)
                self._console.print(f"{phase} ...", highlight=False)
            return
        bars = self._started()
        if phase not in self._tasks:
            self._tasks[phase] = bars.add_task(phase, total=total or None, remark="")
        bars.update(self._tasks[phase], completed=done, total=total or None, remark=remark)
        if all(task.finished for task in bars.tasks):
            self.close()

    def close(self) -> None:
        """Leave the finished bars on the screen and give the terminal back."""
        if self._bars is not None:
            self._bars.stop()
            self._bars, self._tasks = None, {}

    def _started(self) -> Progress:
        if self._bars is None:
            self._bars = Progress(
                TextColumn("{task.description:<32}"),
                BarColumn(bar_width=30),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[remark]}"),
                console=self._console,
            )
            self._bars.start()
        return self._bars
