"""Seal the last part of an instrument's data, and open it: once for each version of a strategy, on record."""

from dataclasses import dataclass, replace

from tallow.domain.errors import UserError
from tallow.domain.holdout import Opening, Seal, version_of
from tallow.domain.market import Instrument
from tallow.domain.ranges import EVERYTHING, TimeRange, iso
from tallow.domain.results import Result
from tallow.domain.scene import Scene
from tallow.domain.timeframes import Timeframe
from tallow.domain.trials import Dataset
from tallow.flows.backtest import Desk, pin, read_market, run_scene, strategy_hash
from tallow.flows.read import read_candles
from tallow.flows.seals import Holdout, holdout_of, seal_of
from tallow.ports import Strategy


@dataclass(frozen=True)
class Opened:
    """What a version made of the sealed part.

    Attributes:
        result: computed now, or recorded when this version opened it first.
        holdout: with every opening so far.
        again: whether the version had opened it before.
    """

    result: Result
    holdout: Holdout
    again: bool


def seal(instrument: Instrument, timeframe: Timeframe, start: int, desk: Desk) -> Seal:
    """Seal everything of an instrument from `start` on; the same moment again changes nothing.

    Raises:
        UserError: NO_DATA; BAD_PARAMETER when nothing would be left before it; SEALED when it is sealed from an
            earlier moment on: a seal can be moved forward in time by nobody.
    """
    known = seal_of(desk.records, instrument)
    if known is not None and start >= known.start:
        if start == known.start:
            return known
        raise UserError(
            "SEALED",
            f"{instrument} is sealed from {iso(known.start)} on; nothing of that can be unsealed",
            facts={"received": iso(start), "valid": f"before {iso(known.start)}, to seal more"},
            commands=["tallow holdout list"],
            exit="refused for safety",
        )
    bars, _ = read_candles(desk.lake, instrument, timeframe)
    if start <= int(bars.time[0]):
        raise UserError(
            "BAD_PARAMETER",
            f"a seal from {iso(start)} on leaves nothing of {instrument} to research",
            facts={"candles from": iso(int(bars.time[0])), "to": iso(timeframe.next(int(bars.time[-1])))},
        )
    made = Seal(str(instrument), str(timeframe), start, desk.clock.now(), _seen(desk, str(instrument), start))
    desk.records.seal(made)
    return made


def _seen(desk: Desk, instrument: str, start: int) -> int:
    """Count the trials that saw what is to be sealed."""
    return desk.records.trials(Dataset((instrument,), start, EVERYTHING.end, 1.0))[0]


def open_holdout(scene: Scene, strategy: Strategy, desk: Desk) -> Opened:
    """Run a strategy once on the sealed part of a scene's instrument, and write down that it has looked.

    The opening is on record before anything is computed: whoever interrupts it has opened it all the same. The same
    version again gets the recorded result; after an interruption it is computed anew, as one opening more.
    The strategy starts without history: its warm-up lies inside the sealed part.

    Args:
        scene: what to trade; its range is replaced by the sealed part.
        strategy: with the parameters of the scene.
        desk: ports.

    Raises:
        UserError: NOT_SEALED; NO_DATA when there is no candle in the sealed part, which then stays unopened.
    """
    found = holdout_of(desk.records, scene.instrument)
    if found is None:
        raise UserError(
            "NOT_SEALED",
            f"nothing of {scene.instrument} is sealed, so there is nothing to open",
            commands=[f"tallow holdout seal -s {scene.instrument} -t {scene.timeframe} --from DATE"],
        )
    scene = replace(scene, range=TimeRange(found.seal.start, EVERYTHING.end))
    version = version_of(strategy_hash(strategy), scene.parameters, scene.timeframe)
    recorded = _recorded(found, version, desk)
    if recorded is not None:
        return Opened(recorded, found, again=True)
    again = any(one.version == version and one.start == found.seal.start for one in found.openings)
    # Without data there is nothing to look at, and so no look to write down.
    read_market(desk.lake, scene, pin(desk.lake, scene))
    values = ", ".join(f"{name}={value}" for name, value in scene.parameters.items())
    words = f"{scene.strategy}({values}) {scene.timeframe}"
    number = desk.records.begin_opening(
        Opening(str(scene.instrument), found.seal.start, version, words, desk.clock.now())
    )
    result = run_scene(scene, strategy, desk)
    desk.records.finish_opening(number, result.key)
    after = holdout_of(desk.records, scene.instrument)
    assert after is not None  # it was there before, and seals do not go away
    return Opened(result, after, again)


def _recorded(found: Holdout, version: str, desk: Desk) -> Result | None:
    mine = [one for one in found.openings if one.version == version and one.start == found.seal.start and one.key]
    return desk.records.load(mine[0].key) if mine else None
