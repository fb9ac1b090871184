"""Seals and openings of holdouts. Rows are only ever added, but for the key of a result that has come."""

import sqlalchemy as sa

from tallow.domain.holdout import Opening, Seal

METADATA = sa.MetaData()
SEALS = sa.Table(
    "holdout_seals",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("instrument", sa.String(64), nullable=False),
    sa.Column("timeframe", sa.String(8), nullable=False),
    sa.Column("start", sa.BigInteger, nullable=False),
    sa.Column("sealed", sa.BigInteger, nullable=False),
    sa.Column("seen", sa.Integer, nullable=False),
)
OPENINGS = sa.Table(
    "holdout_openings",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("instrument", sa.String(64), nullable=False),
    sa.Column("start", sa.BigInteger, nullable=False),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("opened", sa.BigInteger, nullable=False),
    sa.Column("key", sa.String(64), nullable=False),
)


def seal(connection: sa.Connection, found: Seal) -> None:
    """Add a seal."""
    connection.execute(sa.insert(SEALS).values(vars(found)))


def seals(connection: sa.Connection) -> tuple[Seal, ...]:
    """Give every seal in the order in which they were made."""
    rows = connection.execute(sa.select(SEALS).order_by(SEALS.c.id)).all()
    return tuple(Seal(row.instrument, row.timeframe, row.start, row.sealed, row.seen) for row in rows)


def begin_opening(connection: sa.Connection, opening: Opening) -> int:
    """Add an opening; give its number."""
    values = {name: value for name, value in vars(opening).items() if name != "number"}
    made = connection.execute(sa.insert(OPENINGS).values(values).returning(OPENINGS.c.id))
    return int(made.scalar_one())


def finish_opening(connection: sa.Connection, number: int, key: str) -> None:
    """Write down what an opening has come to; a key that stands there stays."""
    open_still = (OPENINGS.c.id == number) & (OPENINGS.c.key == "")
    connection.execute(sa.update(OPENINGS).where(open_still).values(key=key))


def openings(connection: sa.Connection) -> tuple[Opening, ...]:
    """Give every opening in the order in which they were made."""
    rows = connection.execute(sa.select(OPENINGS).order_by(OPENINGS.c.id)).all()
    return tuple(
        Opening(row.instrument, row.start, row.version, row.strategy, row.opened, row.key, row.id) for row in rows
    )
