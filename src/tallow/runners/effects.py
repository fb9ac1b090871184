"""Notice what a strategy uses beside its bars: files, network, other processes. For a process that then ends."""

import functools
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_SYSTEM = (
    "/proc/", "/sys/", "/etc/", "/usr/share/", "/usr/lib/", "/lib/", "/dev/null", "/dev/urandom", "/dev/random",
)  # fmt: skip
_CODE = (".py", ".pyc", ".pyi", ".so", ".pyd", ".dll", ".dylib", ".nbi", ".nbc")
# What libraries keep for themselves; a strategy's own notes in a cache folder are another matter.
_CACHES = ("/__pycache__/", "/.cache/numba/", "/.cache/matplotlib/", "/.config/matplotlib/", "/.cache/fontconfig/")
# They read files without the interpreter's knowledge, and there is no function to stand in for.
_UNSEEN = (
    "pyarrow.parquet",
    "pyarrow.csv",
    "pyarrow.json",
    "pyarrow.feather",
    "pyarrow.orc",
    "pyarrow.dataset",
    "duckdb",
)
_NETWORK = {"socket.connect": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.sendto": 1}
_STARTS = {"subprocess.Popen": 0, "os.system": 0, "os.exec": 0, "os.posix_spawn": 0}


class Effects:
    """A record of effects; once started it cannot be taken off again, so it belongs in a process of its own."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        paths = sysconfig.get_paths()
        roots = {sys.prefix, sys.base_prefix, paths["stdlib"], paths["purelib"], paths["platlib"]}
        self.roots = tuple(os.path.realpath(root) + os.sep for root in roots if root)
        self.allowed = {os.path.realpath(path) for path in allowed}
        self.written: set[str] = set()
        self.seen: dict[str, None] = {}
        self.active = False
        self.known: frozenset[str] = frozenset()

    def start(self) -> None:
        """Begin to record."""
        self.active = True
        self.known = frozenset(sys.modules)
        sys.addaudithook(self.notice)

    def found(self) -> list[str]:
        """Give every effect in words, in order; packages that read files unseen count as soon as they are loaded."""
        unseen = [name for name in _UNSEEN if name in sys.modules and name not in self.known]
        return [*self.seen, *(f"loads {name}, which can read files unseen" for name in unseen)]

    def wrap_native_readers(self) -> None:
        """Record files that polars reads without Python's knowledge."""
        polars = sys.modules.get("polars")
        if polars is None:
            return
        for name in dir(polars):
            if name.startswith(("read_", "scan_")):
                setattr(polars, name, self._reader(getattr(polars, name)))

    def _reader(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def reading(*arguments: Any, **options: Any) -> Any:
            source = arguments[0] if arguments else next(iter(options.values()), "")
            if isinstance(source, (str, Path)):
                self._opened(str(source), "r")
            return function(*arguments, **options)

        return reading

    def notice(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take in one audit event of the interpreter."""
        if not self.active:
            return
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, (str, bytes)):
                self._opened(os.fsdecode(path), mode if isinstance(mode, str) else _mode(flags))
        elif event in ("sqlite3.connect",):
            self._opened(os.fsdecode(arguments[0]), "r")
        elif event in _NETWORK:
            self.seen[f"uses the network ({arguments[_NETWORK[event]]})"] = None
        elif event in _STARTS and not self._is_installed(_caller()):
            self.seen[f"starts a process ({arguments[_STARTS[event]]})"] = None

    def _opened(self, path: str, mode: str) -> None:
        real = os.path.realpath(path)
        if mode[:1] in ("w", "x"):
            self.written.add(real)
            return
        if mode[:1] == "a" and "+" not in mode:  # a log: nothing is read through it
            return
        if real in self.allowed or real in self.written or real.startswith(_SYSTEM) or real.endswith(_CODE):
            return
        if real.startswith(self.roots) or any(folder in real for folder in _CACHES):
            return
        if real in {os.path.realpath(place) for place in sys.path}:  # a zip of modules
            return
        self.seen[f"reads {path}" if mode[:1] == "r" else f"keeps {path}"] = None

    def _is_installed(self, path: str) -> bool:
        return os.path.realpath(path).startswith(self.roots)


def _mode(flags: object) -> str:
    writing = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_TRUNC | os.O_EXCL)
    return "w" if writing else "r"


def _caller() -> str:
    frame = sys._getframe(2)
    while frame is not None and "subprocess" in frame.f_code.co_filename:
        frame = frame.f_back  # type: ignore[assignment]
    return frame.f_code.co_filename if frame is not None else ""
