"""Finished combinations of sweeps, and every trial on a dataset: one row a chunk, because one a combination is slow."""

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from hashlib import sha256

import numpy as np
import sqlalchemy as sa

from tallow.domain.columns import Floats
from tallow.domain.errors import TerminalError
from tallow.domain.sweep import Evaluated

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
    "trials",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("dataset", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("dataset", "digest"),
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


def count(connection: sa.Connection, dataset: str, identities: Sequence[bytes], sharpes: Floats) -> None:
    """Add trials to a dataset; the same ones with the same numbers are there once."""
    table = np.empty(len(identities), TRIAL)
    table["identity"], table["sharpe"] = identities, sharpes
    body = table.tobytes()
    digest = sha256(body).hexdigest()
    known = sa.select(TRIALS.c.id).where(TRIALS.c.dataset == dataset, TRIALS.c.digest == digest)
    if len(table) and connection.execute(known).first() is None:
        connection.execute(sa.insert(TRIALS).values(dataset=dataset, digest=digest, body=body))


def trials(connection: sa.Connection, dataset: str) -> tuple[int, Floats]:
    """Count the distinct trials of a dataset; the Sharpe ratio of each is the one that was stored first."""
    query = sa.select(TRIALS.c.body).where(TRIALS.c.dataset == dataset).order_by(TRIALS.c.id)
    bodies = connection.execute(query).scalars().all()
    table = np.frombuffer(b"".join(bodies), TRIAL)
    _, first = np.unique(table["identity"], return_index=True)
    return len(first), table["sharpe"][np.sort(first)].astype(np.float64)


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
