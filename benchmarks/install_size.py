"""Install tallow alone into a clean environment; count packages and megabytes.

python benchmarks/install_size.py [--cache FOLDER] [--keep]

One JSON line on stdout. MB are 1e6 bytes of files as installed, without .pyc; pip and setuptools are not counted.
Exits 4 when the install is larger than promised.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import peers

REPOSITORY = Path(__file__).resolve().parent.parent
MOST_MB = 660
MOST_PACKAGES = 42
NOT_OURS = {"pip", "setuptools", "wheel"}


def install(cache: Path) -> Path:
    """Install tallow as it stands, and nothing else, into an environment of its own; give its folder."""
    folder = cache / "environments" / "tallow-core"
    shutil.rmtree(folder, ignore_errors=True)
    peers.create(folder, (str(REPOSITORY),))
    return folder


def measure(folder: Path) -> dict:
    """Count the distributions and the bytes of an environment's site-packages."""
    (site,) = (folder / "lib").glob("python*/site-packages")
    sizes: dict[str, int] = {}
    for path in site.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.suffix != ".pyc":
            top = path.relative_to(site).parts[0]
            sizes[top] = sizes.get(top, 0) + path.stat().st_size
    names = sorted(path.name.split("-")[0].lower() for path in site.glob("*.dist-info"))
    counted = [name for name in names if name not in NOT_OURS]
    skipped = sum(size for top, size in sizes.items() if top.split("-")[0].lower() in NOT_OURS)
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:8]
    return {
        "packages": len(counted),
        "mb": round((sum(sizes.values()) - skipped) / 1e6, 1),
        "largest_mb": {name: round(size / 1e6, 1) for name, size in largest},
        "names": counted,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=peers.cache_folder())
    parser.add_argument("--keep", action="store_true", help="leave the environment there, for start_up.py")
    options = parser.parse_args()
    folder = install(options.cache)
    line = {"benchmark": "install-size", **measure(folder), "most_mb": MOST_MB, "most_packages": MOST_PACKAGES}
    line["compiled_mb"] = round(_bytes(folder, "*.pyc") / 1e6, 1)
    line["python"] = subprocess.run(
        [folder / "bin" / "python", "-V"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    if not options.keep:
        shutil.rmtree(folder)
    print(json.dumps(line))
    return 0 if line["mb"] <= MOST_MB and line["packages"] <= MOST_PACKAGES else 4


def _bytes(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.rglob(pattern) if not path.is_symlink())


if __name__ == "__main__":
    sys.exit(main())
