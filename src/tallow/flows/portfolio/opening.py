"""Open the sealed part of several instruments for a portfolio: once for each version of its weights, on record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tallow.domain.errors import UserError
from tallow.domain.holdout import Opening, version_of
from tallow.domain.ranges import EVERYTHING, TimeRange, iso
from tallow.domain.scene import Scene, Value
from tallow.flows.backtest import Desk, pin
from tallow.flows.portfolio.flow import check_each_once, hash_of, read_markets, run_portfolio, scene_of
from tallow.flows.portfolio.replay import open_portfolio
from tallow.flows.portfolio.values import Book, PortfolioResult
from tallow.flows.seals import Holdout, holdout_of


@dataclass(frozen=True)
class OpenedPortfolio:
    """What a version made of the sealed part.

    Attributes:
        result: computed now, or recorded when this version opened it first.
        holdouts: of every instrument, with every opening so far.
        again: whether the version had opened it before.
    """

    result: PortfolioResult
    holdouts: tuple[Holdout, ...]
    again: bool


def open_holdouts(
    book: Book,
    scenes: Sequence[Scene],
    desk: Desk,
    built: Callable[[Scene], None] | None = None,
    *,
    check: bool = True,
) -> OpenedPortfolio:
    """Carry out weights once on what is sealed of all their instruments, and write down that they have looked.

    Every instrument must be sealed; the range begins where the last of the seals does, so that nothing in it was free
    for any of them. The look is on record for each instrument before anything is computed: whoever interrupts it has
    opened them all the same. A version is the source, the parameters, the candle length, the set of instruments and the
    rules of the account; the same again gets the recorded result. The weights start without history.

    Args:
        book: symbols, weights and rules.
        scenes: one a symbol, of one candle length; their ranges are replaced by the sealed part.
        desk: ports.
        built: makes sure of the candles of each.
        check: certify the weights.

    Raises:
        UserError: NO_INSTRUMENTS, BAD_PARAMETER (a symbol twice), NOT_SEALED; NO_DATA when there is no candle in the
            sealed part, which then stays unopened.
    """
    check_each_once(scenes)
    found = [_sealed(one, desk) for one in scenes]
    start = max(holdout.seal.start for holdout in found)
    scene = scene_of(book, [replace(one, range=TimeRange(start, EVERYTHING.end)) for one in scenes])
    version = _version(book, scene.scenes)
    recorded = _recorded(found, version, desk)
    if recorded is not None:
        return OpenedPortfolio(recorded, tuple(found), again=True)
    if built is not None:
        for one in scene.scenes:
            built(one)
    # Without data there is nothing to look at, and so no look to write down.
    read_markets(scene, [pin(desk.lake, one) for one in scene.scenes], desk)
    again = all(_of(holdout, version) for holdout in found)
    values = ", ".join(f"{name}={value}" for name, value in scene.parameters.items())
    words = f"{scene.strategy}({values}) {scene.timeframe}, portfolio of {len(scenes)} from {iso(start)}"
    numbers = [
        desk.records.begin_opening(
            Opening(holdout.seal.instrument, holdout.seal.start, version, words, desk.clock.now())
        )
        for holdout in found
    ]
    result = run_portfolio(book, scene, desk, check=check)
    for number in numbers:
        desk.records.finish_opening(number, result.key)
    after = tuple(_sealed(one, desk) for one in scenes)
    return OpenedPortfolio(result, after, again)


def _sealed(scene: Scene, desk: Desk) -> Holdout:
    found = holdout_of(desk.records, scene.instrument)
    if found is None:
        raise UserError(
            "NOT_SEALED",
            f"nothing of {scene.instrument} is sealed; a portfolio opens the sealed part of all its instruments",
            commands=[f"tallow holdout seal -s {scene.instrument} -t {scene.timeframe} --from DATE"],
        )
    return found


def _version(book: Book, scenes: Sequence[Scene]) -> str:
    rules, first = book.rules, scenes[0]
    # Names that no parameter of a function can have. Another order of the same instruments is no other version.
    account: dict[str, Value] = {
        "symbols of": " ".join(sorted(str(scene.instrument) for scene in scenes)),
        "rebalance of": scene_of(book, scenes).rebalance,
        "margin of": rules.margin,
        "leverage of": rules.leverage or 0.0,
    }
    return version_of(hash_of(book), {**first.parameters, **account}, first.timeframe)


def _of(holdout: Holdout, version: str) -> list[Opening]:
    return [one for one in holdout.openings if one.version == version and one.start == holdout.seal.start]


def _recorded(found: Sequence[Holdout], version: str, desk: Desk) -> PortfolioResult | None:
    looks = [next((one.key for one in _of(holdout, version) if one.key), "") for holdout in found]
    if not all(looks) or len(set(looks)) > 1:
        return None
    filed = desk.records.filed(looks[0])
    return None if filed is None else open_portfolio(filed, desk)
