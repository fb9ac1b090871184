"""Results in SQL: one row a content key, its arrays in a file beside the database."""

import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from tallow.domain.columns import Floats
from tallow.domain.errors import TerminalError, UserError
from tallow.domain.holdout import Opening, Seal
from tallow.domain.results import Filed, Result, plain_body, result_of, run_arrays, run_of
from tallow.domain.scene import parse_scene
from tallow.domain.sent import order_arrays, orders_of
from tallow.domain.sweep import Evaluated
from tallow.domain.trials import Dataset
from tallow.stores import holdouts, sweeps

METADATA = sa.MetaData()
RESULTS = sa.Table(
    "results",
    METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("created", sa.BigInteger, nullable=False, index=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("strategy", sa.String(200), nullable=False, index=True),
    sa.Column("instrument", sa.String(64), nullable=False, index=True),
    sa.Column("timeframe", sa.String(8), nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("scene", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)


class SqlRecords:
    """The Records port over SQLAlchemy; SQLite unless an URL says otherwise."""

    def __init__(self, folder: str, url: str | None = None) -> None:
        self._folder = Path(folder)
        self._url = url

    @cached_property
    def _engine(self) -> sa.Engine:
        # Made when it is first needed: looking into a lake without results must not write to it.
        self._folder.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(self._url or f"sqlite:///{self._folder / 'records.sqlite'}")
        METADATA.create_all(engine)
        # A lake from before there were sweeps and holdouts gets their tables here.
        sweeps.METADATA.create_all(engine)
        holdouts.METADATA.create_all(engine)
        return engine

    def _is_empty(self) -> bool:
        return self._url is None and not (self._folder / "records.sqlite").exists()

    def save(self, result: Result) -> None:
        """Store under the key; the arrays first, so that a row never lacks them; the same key again adds nothing."""
        body = plain_body(result)
        row = {
            "key": result.key,
            "created": result.created,
            "digest": result.digest,
            "strategy": result.scene.strategy,
            "instrument": str(result.scene.instrument),
            "timeframe": str(result.scene.timeframe),
            "verdict": result.certificate.verdict if result.certificate else "unproven",
            "scene": result.scene.canonical(),
            "body": json.dumps(body, allow_nan=False),
        }
        self._keep(
            row,
            _Evidence(str(row["verdict"]), body["score"] is not None),
            {**run_arrays(result.run), **order_arrays(result)},
        )

    def file(self, result: Filed) -> None:
        """Store a result of another kind in the same place and the same way."""
        body = {**result.body, "kind": result.kind, "arrays": result.arrays_digest()}
        row = {
            "key": result.key,
            "created": result.created,
            "digest": result.digest,
            "strategy": result.strategy,
            "instrument": _joined(result.instruments),
            "timeframe": result.timeframe,
            "verdict": result.verdict,
            "scene": json.dumps({**result.scene, "instruments": result.instruments}, sort_keys=True, allow_nan=False),
            "body": json.dumps(body, allow_nan=False),
        }
        self._keep(row, _Evidence(result.verdict, result.body.get("score") is not None), result.arrays)

    def _keep(self, row: Mapping[str, object], evidence: "_Evidence", arrays: Mapping[str, NDArray[Any]]) -> None:
        engine, key = self._engine, str(row["key"])
        path = self._arrays(key)
        query = sa.select(RESULTS.c.verdict, RESULTS.c.body, RESULTS.c.digest).where(RESULTS.c.key == key)
        with engine.begin() as connection:
            known = connection.execute(query).first()
            if known is not None and known.digest != row["digest"]:
                raise _not_repeatable(key, known.digest, str(row["digest"]))
            # Arrays without a row are what a killed writer left: they may be those of other numbers.
            if known is None or not path.exists():
                _write(path, _pack(arrays))
            if known is None:
                connection.execute(sa.insert(RESULTS).values(**row))
            elif evidence.adds_to(known):
                # Evidence found later about the same numbers.
                connection.execute(sa.update(RESULTS).where(RESULTS.c.key == key).values(**row))

    def load(self, key: str) -> Result | None:
        """Give the backtest whose key starts with `key`; None when there is none, or it is of another kind.

        Raises:
            UserError: AMBIGUOUS_KEY when several results of any kind start so.
            TerminalError: DAMAGED_RESULT when the arrays are gone or do not match the digest.
        """
        row = self._row(key)
        return None if row is None or _kind(row) != "backtest" else self._result(row)

    def filed(self, key: str) -> Filed | None:
        """Give the result of another kind whose key starts with `key`; None when there is none, or a backtest.

        Raises:
            UserError: AMBIGUOUS_KEY when several results of any kind start so.
            TerminalError: DAMAGED_RESULT when the arrays are gone or are not those that were stored.
        """
        row = self._row(key)
        return None if row is None or _kind(row) == "backtest" else self._filed(row)

    def _row(self, key: str) -> Any:
        if self._is_empty():
            return None
        prefix = key.lower()
        query = sa.select(RESULTS).where(RESULTS.c.key.startswith(prefix, autoescape=True)).limit(3)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        if len(rows) > 1:
            raise UserError(
                "AMBIGUOUS_KEY",
                f"several results start with {key!r}",
                facts={"they are": ", ".join(row.key[:16] for row in rows)},
                commands=["tallow results list"],
            )
        return rows[0] if rows else None

    def list(self, limit: int = 50) -> list[Mapping[str, object]]:
        """Give the newest results first, as plain values."""
        if self._is_empty():
            return []
        query = sa.select(RESULTS).order_by(RESULTS.c.created.desc(), RESULTS.c.key).limit(limit)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        bodies, scenes = [json.loads(row.body) for row in rows], [json.loads(row.scene) for row in rows]
        return [
            {
                "key": row.key,
                "kind": body.get("kind", "backtest"),
                "created": row.created,
                "strategy": row.strategy,
                "instrument": row.instrument,
                "instruments": scene.get("instruments", [row.instrument]),
                "timeframe": row.timeframe,
                "verdict": row.verdict,
                "digest": row.digest,
                "range": scene["range"],
                "score": (body.get("score") or {}).get("verdict", "not scored"),
                "metrics": body["metrics"],
            }
            for row, body, scene in zip(rows, bodies, scenes, strict=True)
        ]

    def remove(self, key: str) -> int:
        """Delete the result with this key, damaged or not; give how many were deleted (0 or 1)."""
        with self._engine.begin() as connection:
            found = connection.execute(sa.delete(RESULTS).where(RESULTS.c.key == key)).rowcount
        self._arrays(key).unlink(missing_ok=True)
        return found

    def keep(self, key: str, dataset: Dataset, found: Evaluated, trials: Sequence[bytes]) -> None:
        """Store finished combinations of a sweep, and count those that did not fail as `trials`, in one commit."""
        with self._engine.begin() as connection:
            sweeps.keep(connection, key, found)
            worked = [place for place in range(len(found)) if place not in found.failed]
            sweeps.count(connection, dataset, trials, found.columns["bar_sharpe"][worked])

    def finished(self, key: str) -> Iterator[Evaluated]:
        """Give what is stored of a sweep, in the order in which it was stored.

        Raises:
            TerminalError: DAMAGED_SWEEP when a stored part cannot be read.
        """
        if self._is_empty():
            return
        with self._engine.connect() as connection:
            yield from sweeps.finished(connection, key)

    def count_trials(self, dataset: Dataset, trials: Sequence[bytes], sharpes: Floats) -> None:
        """Count trials on a dataset, each with its Sharpe ratio a bar; one that is known is not counted again."""
        with self._engine.begin() as connection:
            sweeps.count(connection, dataset, trials, sharpes)

    def trials(self, dataset: Dataset) -> tuple[int, Floats]:
        """Give how many distinct trials have seen any of a dataset, and the Sharpe ratio a year of each (NaN: none)."""
        if self._is_empty():
            return 0, np.empty(0)
        with self._engine.connect() as connection:
            return sweeps.trials(connection, dataset)

    def seal(self, seal: Seal) -> None:
        """Add a seal; none can be taken back."""
        with self._engine.begin() as connection:
            holdouts.seal(connection, seal)

    def seals(self) -> tuple[Seal, ...]:
        """Give every seal in the order in which they were made; of one instrument the earliest start is in force."""
        if self._is_empty():
            return ()
        with self._engine.connect() as connection:
            return holdouts.seals(connection)

    def begin_opening(self, opening: Opening) -> int:
        """Write down that a sealed part is being looked at, before it is; give the number of the opening."""
        with self._engine.begin() as connection:
            return holdouts.begin_opening(connection, opening)

    def finish_opening(self, number: int, key: str) -> None:
        """Write down the result of an opening."""
        with self._engine.begin() as connection:
            holdouts.finish_opening(connection, number, key)

    def openings(self) -> tuple[Opening, ...]:
        """Give every opening in the order in which they were made."""
        if self._is_empty():
            return ()
        with self._engine.connect() as connection:
            return holdouts.openings(connection)

    def _arrays(self, key: str) -> Path:
        return self._folder / f"{key}.npz"

    def _unpacked(self, key: str) -> dict[str, NDArray[Any]]:
        path = self._arrays(key)
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise _damaged(key, f"{path} cannot be read: {error}") from error

    def _filed(self, row: Any) -> Filed:
        body, scene, arrays = json.loads(row.body), json.loads(row.scene), self._unpacked(row.key)
        found = Filed(
            key=row.key,
            kind=body.pop("kind"),
            digest=row.digest,
            created=row.created,
            strategy=row.strategy,
            instruments=tuple(scene["instruments"]),
            timeframe=row.timeframe,
            verdict=row.verdict,
            scene=scene,
            body=body,
            arrays=arrays,
        )
        if found.arrays_digest() != body.pop("arrays"):
            raise _damaged(row.key, f"{self._arrays(row.key)} does not hold the arrays that were stored")
        return found

    def _result(self, row: Any) -> Result:
        body = json.loads(row.body)
        arrays = self._unpacked(row.key)
        try:
            run, orders = run_of(arrays), orders_of(arrays)
        except KeyError as error:
            raise _damaged(row.key, f"{self._arrays(row.key)} cannot be read: {error}") from error
        if run.digest() != row.digest:
            raise _damaged(row.key, f"{self._arrays(row.key)} does not match the digest {row.digest[:16]}")
        return result_of(
            body, key=row.key, digest=row.digest, created=row.created, scene=parse_scene(row.scene), run=run, **orders
        )


def _not_repeatable(key: str, stored: str, now: str) -> UserError:
    return UserError(
        "NOT_REPEATABLE",
        f"result {key[:12]} came out differently this time: what is stored is kept",
        facts={
            "stored digest": stored[:16],
            "this time": now[:16],
            "reason": "the strategy depends on something beside its source, parameters and bars, as on random numbers",
        },
        commands=[f"tallow results replay {key[:12]}", f"tallow results remove {key}"],
        exit="failed",
    )


class _Evidence(NamedTuple):
    """What a result to be stored knows about itself: its look-ahead verdict, and whether it is scored."""

    verdict: str
    scored: bool

    def adds_to(self, known: Any) -> bool:
        """Say whether it knows more than the row that is stored."""
        proven, score = self.verdict != "unproven", json.loads(known.body).get("score")
        if proven and self.verdict != known.verdict:
            return True
        return self.scored and score is None and (proven or known.verdict == "unproven")


def _kind(row: Any) -> str:
    return str(json.loads(row.body).get("kind", "backtest"))


def _joined(instruments: Sequence[str]) -> str:
    # As many as fit into the column; all of them stand in the scene.
    shown, left = instruments[0], len(instruments) - 1
    for name in instruments[1:]:
        if len(shown) + len(name) > 50:
            break
        shown, left = f"{shown}, {name}", left - 1
    return f"{shown} + {left}" if left else shown


def _pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    # A rename is atomic: a crash leaves the old state or the new one, never half a file.
    partial = path.with_suffix(f".{os.getpid()}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _damaged(key: str, what: str) -> TerminalError:
    return TerminalError(
        "DAMAGED_RESULT",
        f"result {key[:16]} is damaged: {what}",
        commands=[f"tallow results remove {key}"],
    )
