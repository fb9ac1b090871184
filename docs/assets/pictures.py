"""Take the pictures of a report: ``python docs/assets/pictures.py REPORT.html``.

Writes report-light.png and report-dark.png next to this file: the top of the page at 1280 x 900, reduced to 256
colours. Needs a Chromium on the path; asks nothing of the network.
"""

import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
WIDTH, HEIGHT = 1280, 900
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--hide-scrollbars", "--virtual-time-budget=3000",
)  # fmt: skip
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def photograph(report: Path, theme: str, target: Path) -> None:
    """Let the browser draw the page in one theme."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise SystemExit(f"none of these is installed: {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser, *FLAGS, f"--user-data-dir={profile}", f"--window-size={WIDTH},{HEIGHT}",
                f"--screenshot={target}", f"{report.resolve().as_uri()}?theme={theme}",
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip


def read_png(content: bytes) -> Pixels:
    """Decode an 8-bit RGB or RGBA picture without interlacing to rows x columns x 3."""
    place, packed, size, channels = len(SIGNATURE), b"", (0, 0), 3
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        body = content[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            size, channels = struct.unpack(">II", body[:8]), {2: 3, 6: 4}[body[9]]
        packed += body if kind == b"IDAT" else b""
        place += length + 12
    width, height = size
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * channels)
    pixels = np.zeros((height, width * channels), np.int64)
    undo_filters(lines, pixels, channels)
    return pixels.reshape(height, width, channels)[:, :, :3].astype(np.uint8)


@njit
def undo_filters(lines: Pixels, pixels: NDArray[np.int64], channels: int) -> None:
    """Add the prediction back that PNG subtracts from every byte (none, left, up, mean or Paeth)."""
    for row in range(len(lines)):
        kind = lines[row, 0]
        for place in range(pixels.shape[1]):
            left = pixels[row, place - channels] if place >= channels else 0
            up = pixels[row - 1, place] if row else 0
            corner = pixels[row - 1, place - channels] if row and place >= channels else 0
            guess = 0
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = up
            elif kind == 3:
                guess = (left + up) // 2
            elif kind == 4:
                to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
                guess = corner
                if to_left <= to_up and to_left <= to_corner:
                    guess = left
                elif to_up <= to_corner:
                    guess = up
            pixels[row, place] = (lines[row, place + 1] + guess) & 255


def write_png(pixels: Pixels) -> bytes:
    """Encode with at most 256 colours: the commonest ones, every other pixel takes the nearest of them."""
    flat = pixels.reshape(-1, 3).astype(np.int64) @ np.array([65_536, 256, 1])
    colours, places, counts = np.unique(flat, return_inverse=True, return_counts=True)
    chosen = colours[np.argsort(-counts, kind="stable")[:256]]
    palette, wanted = (np.column_stack([each >> 16, each >> 8 & 255, each & 255]) for each in (chosen, colours))
    nearest = np.argmin(((wanted[:, None, :] - palette[None, :, :]) ** 2).sum(axis=2), axis=1).astype(np.uint8)
    height, width = pixels.shape[:2]
    lines = np.zeros((height, width + 1), np.uint8)
    lines[:, 1:] = nearest[places].reshape(height, width)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", palette.astype(np.uint8).tobytes()),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    return SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def main(report: str) -> None:
    """Take both pictures."""
    folder = Path(__file__).parent
    for theme in ("light", "dark"):
        target = folder / f"report-{theme}.png"
        photograph(Path(report), theme, target)
        target.write_bytes(write_png(read_png(target.read_bytes())))
        sys.stdout.write(f"{target.name}: {target.stat().st_size // 1024} KB\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
