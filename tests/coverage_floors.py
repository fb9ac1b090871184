"""Hold coverage to its floors: every branch of domain and core, 90 % of each other package. Usage: FILE.json."""

import json
import sys
from collections import defaultdict

FLOORS = {"domain": 100.0, "core": 100.0}
OTHERS = 90.0


def main() -> int:
    """Print a line a package; 1 when one is below its floor."""
    with open(sys.argv[1], encoding="utf-8") as file:
        files = json.load(file)["files"]
    covered: dict[str, int] = defaultdict(int)
    wanted: dict[str, int] = defaultdict(int)
    for path, entry in files.items():
        package = path.split("tallow/", 1)[1].split("/")[0].removesuffix(".py")
        numbers = entry["summary"]
        covered[package] += numbers["covered_lines"] + numbers["covered_branches"]
        wanted[package] += numbers["num_statements"] + numbers["num_branches"]
    short = 0
    for package in sorted(wanted):
        share = 100.0 * covered[package] / wanted[package] if wanted[package] else 100.0
        floor = FLOORS.get(package, OTHERS)
        short |= share < floor
        print(f"{package:<12} {share:6.2f} %  floor {floor:.0f} %{'  SHORT' if share < floor else ''}")
    for path, entry in sorted(files.items()):
        if path.split("tallow/", 1)[1].split("/")[0] in FLOORS and entry["summary"]["percent_covered"] < 100:
            print(f"  {path}: lines {entry['missing_lines'][:10]}, branches {entry['missing_branches'][:5]}")
    return int(short)


if __name__ == "__main__":
    sys.exit(main())
