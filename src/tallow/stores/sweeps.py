"""Finished combinations of sweeps, and every trial on a dataset: one row a chunk, because one a combination is slow."""

import json
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from hashlib import sha256

import numpy as np
import sqlalchemy as sa

from tallow.domain.columns import Floats
from tallow.domain.errors import TerminalError
from tallow.domain.sweep import Evaluated
from tallow.domain.trials import Dataset

METADATA = sa.MetaData()
CHUNKS = sa.Table(
    "sweep_chunks",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(64), nullable=False, index=True),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
TRIALS = sa.Table(
    "trial_log",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("dataset", sa.String(64), nullable=False, index=True),
    sa.Column("start", sa.BigInteger, nullable=False),
    sa.Column("end", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
TRIAL = np.dtype([("identity", "S16"), ("sharpe", "<f8")])
_HEAD = struct.Struct("<I")
_LEVEL = 1  # of compression: floats hardly shrink further


def keep(connection: sa.Connection, key: str, found: Evaluated) -> None:
    """Store a chunk of finished combinations."""
    connection.execute(sa.insert(CHUNKS).values(key=key, rows=len(found), body=_pack(found)))


def finished(connection: sa.Connection, key: str) -> Iterator[Evaluated]:
    """Give the chunks of a sweep in the order in which they were stored.

    Raises:
        TerminalError: DAMAGED_SWEEP when one cannot be read.
    """
    query = sa.select(CHUNKS.c.id, CHUNKS.c.body).where(CHUNKS.c.key == key).order_by(CHUNKS.c.id)
    for row in connection.execute(query):
        try:
            yield _unpack(row.body)
        except (zlib.error, ValueError, KeyError, struct.error) as error:
            raise TerminalError(
                "DAMAGED_SWEEP", f"stored part {row.id} of sweep {key[:16]} cannot be read: {error}"
            ) from error


def count(connection: sa.Connection, dataset: Dataset, identities: Sequence[bytes], sharpes: Floats) -> None:
    """Add trials to a dataset, with their Sharpe ratios a bar; the same ones with the same numbers are there once."""
    table = np.empty(len(identities), TRIAL)
    table["identity"], table["sharpe"] = identities, np.asarray(sharpes) * math.sqrt(dataset.per_year)
    if not len(table):
        return
    for name in dataset.names:
        row = {"dataset": name, "start": dataset.start, "end": dataset.end, "body": table.tobytes()}
        digest = sha256(repr(tuple(row.values())).encode()).hexdigest()
        known = sa.select(TRIALS.c.id).where(TRIALS.c.digest == digest)
        if connection.execute(known).first() is None:
            connection.execute(sa.insert(TRIALS).values(row | {"digest": digest}))


def trials(connection: sa.Connection, dataset: Dataset) -> tuple[int, Floats]:
    """Count the distinct trials that have seen any of a dataset: any of its instruments, at any of its time.

    The Sharpe ratio a year of each is the one that was stored first; NaN if it was ever stored without one.
    """
    overlaps = (TRIALS.c.start < dataset.end, TRIALS.c.end > dataset.start)
    query = sa.select(TRIALS.c.body).where(TRIALS.c.dataset.in_(dataset.names), *overlaps).order_by(TRIALS.c.id)
    bodies = connection.execute(query).scalars().all()
    table = np.frombuffer(b"".join(bodies), TRIAL)
    _, first, place = np.unique(table["identity"], return_index=True, return_inverse=True)
    sharpes = table["sharpe"][first].astype(np.float64)
    sharpes[place[np.isnan(table["sharpe"])]] = np.nan
    return len(first), sharpes[np.argsort(first)]


def _pack(found: Evaluated) -> bytes:
    head = {
        "names": found.names,
        "rows": found.rows,
        "columns": list(found.columns),
        "failed": {str(place): reason for place, reason in found.failed.items()},
    }
    text = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
    numbers = b"".join(np.ascontiguousarray(column, "<f8").tobytes() for column in found.columns.values())
    return zlib.compress(_HEAD.pack(len(text)) + text + numbers, _LEVEL)


def _unpack(body: bytes) -> Evaluated:
    content = zlib.decompress(body)
    (size,) = _HEAD.unpack_from(content)
    head = json.loads(content[_HEAD.size : _HEAD.size + size])
    rows = tuple(tuple(row) for row in head["rows"])
    numbers = np.frombuffer(content[_HEAD.size + size :], "<f8").reshape(len(head["columns"]), len(rows))
    columns = {name: column.astype(np.float64) for name, column in zip(head["columns"], numbers, strict=True)}
    failed = {int(place): reason for place, reason in head["failed"].items()}
    return Evaluated(tuple(head["names"]), rows, columns, failed)
