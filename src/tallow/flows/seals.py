"""Keep everything but an opening away from sealed data."""

from dataclasses import dataclass

from tallow.domain.errors import UserError
from tallow.domain.holdout import Opening, Seal
from tallow.domain.market import Instrument
from tallow.domain.ranges import EVERYTHING, TimeRange, iso
from tallow.domain.scene import Scene
from tallow.domain.timeframes import SECOND, Timeframe
from tallow.ports import Records


@dataclass(frozen=True)
class Holdout:
    """A seal in force and every opening of the instrument's sealed data, earlier seals included."""

    seal: Seal
    openings: tuple[Opening, ...]

    @property
    def versions(self) -> int:
        """How many different strategy versions have looked at it."""
        return len({opening.version for opening in self.openings})

    @property
    def interrupted(self) -> int:
        """How many openings came to no result."""
        return sum(not opening.key for opening in self.openings)

    @property
    def words(self) -> str:
        """What that makes of it."""
        if not self.versions:
            return "sealed: nothing has looked at it"
        if self.versions == 1:
            return "opened by 1 version"
        return f"opened by {self.versions} versions: it is no longer a holdout"


def holdouts(records: Records) -> tuple[Holdout, ...]:
    """Give every sealed instrument, in the order in which they were sealed first."""
    in_force: dict[str, Seal] = {}
    for seal in records.seals():
        known = in_force.get(seal.instrument)
        in_force[seal.instrument] = seal if known is None or seal.start < known.start else known
    openings = records.openings() if in_force else ()
    return tuple(
        Holdout(seal, tuple(one for one in openings if one.instrument == name)) for name, seal in in_force.items()
    )


def holdout_of(records: Records, instrument: Instrument) -> Holdout | None:
    """Give what is sealed of an instrument, or None."""
    return next((found for found in holdouts(records) if found.seal.instrument == str(instrument)), None)


def seal_of(records: Records, instrument: Instrument) -> Seal | None:
    """Give the seal in force of an instrument: the one that begins first."""
    mine = [seal for seal in records.seals() if seal.instrument == str(instrument)]
    return min(mine, key=lambda seal: seal.start, default=None)


def refuse_sealed(records: Records, scene: Scene, code: str = "") -> None:
    """Refuse a scene that reaches into a sealed holdout.

    `code` is what the commands that lead on take for the strategy, where that is not its name.

    Raises:
        UserError: SEALED.
    """
    seal = seal_of(records, scene.instrument)
    if seal is None or scene.range.end <= seal.limit(scene.timeframe):
        return
    typed = code or scene.strategy
    where = f"-s {scene.instrument} -t {scene.timeframe}"
    until = iso(seal.limit(scene.timeframe))
    start = "" if scene.range.start in (EVERYTHING.start, EVERYTHING.end) else iso(scene.range.start)
    inside = scene.range.start >= seal.limit(scene.timeframe)
    raise UserError(
        "SEALED",
        f"{scene.instrument} is a sealed holdout from {iso(seal.start)} on; the range {scene.range} reaches into it",
        facts={"sealed on": iso(seal.sealed // SECOND * SECOND), "free": f"..{until}"},
        commands=[
            f"tallow backtest {typed} {where} --timerange {'' if inside else start}..{until}",
            f"tallow holdout open {typed} {where}",
        ],
        exit="refused for safety",
    )


def before_seal(records: Records, instrument: Instrument, timeframe: Timeframe, span: TimeRange) -> TimeRange:
    """End a range whose end was left open where the sealed part begins.

    One whose end was given stays as it is, and so does one that begins inside: both are refused later.
    """
    seal = seal_of(records, instrument)
    if seal is None or span.end < EVERYTHING.end or span.start >= seal.limit(timeframe):
        return span
    return TimeRange(span.start, seal.limit(timeframe))


def seal_notes(records: Records, scene: Scene) -> tuple[str, ...]:
    """Say what a result has to do with a holdout: that it ends before one, or is a look at one."""
    found = holdout_of(records, scene.instrument)
    if found is None:
        return ()
    if scene.range.start >= found.seal.start:
        return (f"HOLDOUT {found.words}",)
    if scene.range.end == found.seal.limit(scene.timeframe):
        return (f"HOLDOUT the range ends at {iso(scene.range.end)}: what follows is sealed",)
    return ()
