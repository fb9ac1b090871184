"""The file that says: this folder is a lake, of this format."""

import json
import os
from pathlib import Path

from tallow.domain.errors import UserError

FORMAT = 1
_NAME = "lake.json"


def check(folder: Path) -> bool:
    """Say whether a lake is there; False when the folder is absent or empty, so that one can be made.

    Raises:
        UserError: NOT_A_LAKE when the folder holds something else, or a lake of another format.
    """
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise _not_a_lake(folder, "a file")
    path = folder / _NAME
    if not path.exists():
        names = sorted(item.name for item in folder.iterdir())
        # A writer killed while making the lake leaves its lock, and no table: those come after the marker.
        foreign = [name for name in names if name not in (f"{_NAME}.new", "lake.lock")]
        if foreign:
            raise _not_a_lake(folder, ", ".join(foreign[:8]) + (" ..." if len(foreign) > 8 else ""))
        return False
    try:
        marker = json.loads(path.read_text(encoding="utf-8"))
        found = marker["format"] if isinstance(marker, dict) else None
    except (ValueError, KeyError):
        raise _not_a_lake(folder, f"{_NAME} that cannot be read") from None
    if found != FORMAT:
        raise _not_a_lake(folder, f"a lake of format {found}; this version reads format {FORMAT}")
    return True


def place(folder: Path) -> None:
    """Write the marker, whole or not at all, unless it is there."""
    path = folder / _NAME
    if path.exists():
        return
    new = folder / f"{_NAME}.new"
    with new.open("w", encoding="utf-8") as file:
        json.dump({"format": FORMAT, "kind": "tallow lake"}, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _not_a_lake(folder: Path, found: str) -> UserError:
    return UserError(
        "NOT_A_LAKE",
        f"{folder} is not a lake",
        facts={"found": found, "valid": f"an empty or new folder, or one with {_NAME} of format {FORMAT}"},
    )
