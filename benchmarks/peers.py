"""Build one environment per peer, outside the project's own: their pins exclude each other and ours.

python benchmarks/peers.py [--cache FOLDER]
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = {
    "vectorbt": ("vectorbt[rust]==1.2.0", "numba==0.68.1", "numpy==2.4.6", "pandas==3.1.1"),
    "raptorbt": ("raptorbt==0.13.4", "numpy==2.4.6"),
    "hftbacktest": ("hftbacktest==2.4.4", "numpy==2.2.6"),
    "backtesting": ("backtesting==0.6.6", "numpy==2.4.6", "pandas==3.1.1"),
    "backtrader": ("backtrader==1.9.78.123", "numpy==2.4.6", "pandas==3.1.1"),
    # The newest for Python 3.11; its wranglers need pandas 2.
    "nautilus": ("nautilus_trader==1.221.0", "numpy==2.4.6", "pandas==2.3.3", "pyarrow==26.0.1"),
}
STAMP = "requirements.built"


def cache_folder() -> Path:
    """Give the folder for environments and generated inputs: never inside the repository by default."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tallow-benchmarks"


def interpreter(peer: str, cache: Path) -> Path:
    """Give the interpreter of a peer's environment, building the environment when its pins have changed."""
    folder = cache / "environments" / peer
    python = folder / "bin" / "python"
    wanted = "\n".join(REQUIREMENTS[peer])
    stamp = folder / STAMP
    if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        create(folder, REQUIREMENTS[peer])
        stamp.write_text(wanted)
    return python


def create(folder: Path, requirements: tuple[str, ...]) -> None:
    """Install requirements into a new environment and compile their byte code, so that no run pays for it."""
    python = folder / "bin" / "python"
    uv = shutil.which("uv")
    if uv:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        _run([uv, "pip", "install", "--quiet", "--python", str(python), *requirements])
    else:
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", *requirements])
    subprocess.run([str(python), "-m", "compileall", "-q", str(folder / "lib")], check=False, stdout=sys.stderr)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cache", type=Path, default=cache_folder())
    chosen = arguments.parse_args()
    for name in REQUIREMENTS:
        print(name, interpreter(name, chosen.cache))
