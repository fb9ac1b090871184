"""Results in SQL: one row a content key, its arrays in a file beside the database."""

import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from tallow.domain.columns import Floats
from tallow.domain.errors import TerminalError, UserError
from tallow.domain.evidence import Certificate, Incident, Rung
from tallow.domain.holdout import Opening, Seal
from tallow.domain.results import FillLog, Result, Run, TradeLog
from tallow.domain.scene import parse_scene
from tallow.domain.sweep import Evaluated
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
        engine = self._engine
        path = self._arrays(result.key)
        if not path.exists():
            _write(path, _pack(result.run))
        row = {
            "key": result.key,
            "created": result.created,
            "digest": result.digest,
            "strategy": result.scene.strategy,
            "instrument": str(result.scene.instrument),
            "timeframe": str(result.scene.timeframe),
            "verdict": result.certificate.verdict if result.certificate else "unproven",
            "scene": result.scene.canonical(),
            "body": json.dumps(_body(result), allow_nan=False),
        }
        with engine.begin() as connection:
            query = sa.select(RESULTS.c.verdict, RESULTS.c.body).where(RESULTS.c.key == result.key)
            known = connection.execute(query).first()
            if known is None:
                connection.execute(sa.insert(RESULTS).values(row))
            elif _adds_evidence(result, known):
                # Evidence found later about the same numbers; the numbers themselves never change.
                connection.execute(sa.update(RESULTS).where(RESULTS.c.key == result.key).values(row))

    def load(self, key: str) -> Result | None:
        """Give the result whose key starts with `key`; None when there is none.

        Raises:
            UserError: AMBIGUOUS_KEY when several start so.
            TerminalError: DAMAGED_RESULT when the arrays are gone or do not match the digest.
        """
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
        return self._result(rows[0]) if rows else None

    def list(self, limit: int = 50) -> list[Mapping[str, object]]:
        """Give the newest results first, as plain values."""
        if self._is_empty():
            return []
        query = sa.select(RESULTS).order_by(RESULTS.c.created.desc(), RESULTS.c.key).limit(limit)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        bodies = [json.loads(row.body) for row in rows]
        return [
            {
                "key": row.key,
                "created": row.created,
                "strategy": row.strategy,
                "instrument": row.instrument,
                "timeframe": row.timeframe,
                "verdict": row.verdict,
                "digest": row.digest,
                "range": json.loads(row.scene)["range"],
                "score": (body.get("score") or {}).get("verdict", "not scored"),
                "metrics": body["metrics"],
            }
            for row, body in zip(rows, bodies, strict=True)
        ]

    def remove(self, key: str) -> int:
        """Delete the result with this key, damaged or not; give how many were deleted (0 or 1)."""
        with self._engine.begin() as connection:
            found = connection.execute(sa.delete(RESULTS).where(RESULTS.c.key == key)).rowcount
        self._arrays(key).unlink(missing_ok=True)
        return found

    def keep(self, key: str, dataset: str, found: Evaluated, trials: Sequence[bytes]) -> None:
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

    def count_trials(self, dataset: str, trials: Sequence[bytes], sharpes: Floats) -> None:
        """Count trials on a dataset, each with its Sharpe ratio a bar; one that is known is not counted again."""
        with self._engine.begin() as connection:
            sweeps.count(connection, dataset, trials, sharpes)

    def trials(self, dataset: str) -> tuple[int, Floats]:
        """Give how many distinct trials a dataset has seen, and the Sharpe ratio a bar of each (NaN: undefined)."""
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

    def _result(self, row: Any) -> Result:
        body = json.loads(row.body)
        path = self._arrays(row.key)
        try:
            run = _unpack(path.read_bytes())
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise _damaged(row.key, f"{path} cannot be read: {error}") from error
        if run.digest() != row.digest:
            raise _damaged(row.key, f"{path} does not match the digest {row.digest[:16]}")
        certificate = body.pop("certificate")
        return Result(
            key=row.key,
            digest=row.digest,
            created=row.created,
            scene=parse_scene(row.scene),
            run=run,
            certificate=Certificate.from_dict(certificate) if certificate else None,
            incidents=tuple(Incident(**incident) for incident in body.pop("incidents")),
            ladder=tuple(Rung(**rung) for rung in body.pop("ladder", ())),
            notes=tuple(body.pop("notes")),
            **body,
        )


def _adds_evidence(result: Result, known: Any) -> bool:
    certificate, score = result.certificate, json.loads(known.body).get("score")
    if certificate is not None and certificate.verdict != known.verdict:
        return True
    return result.score is not None and score is None and (certificate is not None or known.verdict == "unproven")


def _body(result: Result) -> dict[str, object]:
    return {
        "strategy_source": result.strategy_source,
        "strategy_hash": result.strategy_hash,
        "engine_version": result.engine_version,
        "table_versions": dict(result.table_versions),
        "data_digest": result.data_digest,
        "origin": result.origin,
        "bars_origin": result.bars_origin,
        "metrics": dict(result.metrics),
        "incidents": [asdict(incident) for incident in result.incidents],
        "certificate": result.certificate.to_dict() if result.certificate else None,
        "notes": list(result.notes),
        "score": result.score,
        "ladder": [asdict(rung) for rung in result.ladder],
    }


def _pack(run: Run) -> bytes:
    arrays = {f"{prefix}{item.name}": getattr(part, item.name) for prefix, part in _parts(run) for item in fields(part)}
    buffer = io.BytesIO()
    flat = {name: value for name, value in arrays.items() if not isinstance(value, FillLog | TradeLog)}
    np.savez_compressed(buffer, **{name: np.asarray(value) for name, value in flat.items()})  # type: ignore[arg-type]
    return buffer.getvalue()


def _parts(run: Run) -> list[tuple[str, Run | FillLog | TradeLog]]:
    return [("", run), ("fills.", run.fills), ("trades.", run.trades)]


def _unpack(content: bytes) -> Run:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        fills = FillLog(**{item.name: arrays[f"fills.{item.name}"] for item in fields(FillLog)})
        trades = TradeLog(**{item.name: arrays[f"trades.{item.name}"] for item in fields(TradeLog)})
        return Run(
            time=arrays["time"],
            equity=arrays["equity"],
            position=arrays["position"],
            target=arrays["target"],
            fills=fills,
            trades=trades,
            ambiguous_bars=int(arrays["ambiguous_bars"]),
            rejected_orders=int(arrays["rejected_orders"]),
        )


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
