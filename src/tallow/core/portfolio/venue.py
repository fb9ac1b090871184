"""What venues ask of each instrument of a portfolio, as numbers for the compiled account, and where that changes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tallow.core.engine.memory import flat_config
from tallow.core.engine.stretches import Stretch, stretches_of
from tallow.core.matching import Config, configure
from tallow.core.portfolio.desk import TierTable
from tallow.core.portfolio.panel import Panel, check_symbols
from tallow.domain.columns import Floats
from tallow.domain.scene import Execution
from tallow.domain.venue_rules import RuleBook


@dataclass(frozen=True)
class VenueTerms:
    """The numbers in force, one row an instrument in the order of names, and those of later stretches.

    Attributes:
        config: written over by `adopt`, and so is `tiers`.
        tiers: None where no instrument ever has tiers.
        stretches: of each instrument, on the rows of the panel.
    """

    config: Floats
    tiers: TierTable | None
    stretches: tuple[tuple[Stretch, ...], ...]

    @property
    def rows(self) -> tuple[int, ...]:
        """The rows in which anything begins to be asked for, but the first; ascending."""
        return tuple(sorted({one.start for own in self.stretches for one in own[1:]}))

    def adopt(self, row: int) -> list[int]:
        """Put in force what begins at a row; give the places of its instruments."""
        found = []
        for place, own in enumerate(self.stretches):
            for stretch in own:
                if stretch.start == row > 0:
                    self.write(place, configure(stretch.execution))
                    found.append(place)
        return found

    def write(self, place: int, config: Config) -> None:
        """Put the numbers of an instrument in force."""
        self.config[place] = flat_config(config)
        if self.tiers is None:
            return
        known = config.tiers
        rate = np.array([config.maintenance_margin]) if known is None else known.rate
        amount = np.zeros(1) if known is None else known.amount
        rest = self.tiers.rate.shape[1] - len(rate)
        self.tiers.rate[place] = np.pad(rate, (0, rest), mode="edge")
        self.tiers.amount[place] = np.pad(amount, (0, rest), mode="edge")
        self.tiers.largest[place] = np.inf if known is None else known.largest


def venue_terms(panel: Panel, settings: tuple[Execution, ...], books: Mapping[str, RuleBook]) -> VenueTerms:
    """Say what holds for each instrument from the first row on, and what later.

    Rules hold for rows that open when they begin or later.

    Raises:
        UserError: UNKNOWN_INSTRUMENT for rules of a symbol that the portfolio does not hold; BAD_RULES.
    """
    check_symbols(books, panel.symbols, "trading rules")
    order = panel.canonical
    stretches = tuple(stretches_of(panel.time, settings[i], books.get(panel.symbols[i])) for i in order)
    known = [configure(one.execution).tiers for own in stretches for one in own]
    most = max(0 if tiers is None else len(tiers.rate) for tiers in known)
    shape = len(order), most
    tiers = TierTable(np.empty(shape), np.empty(shape), np.empty(len(order))) if most else None
    terms = VenueTerms(np.empty((len(order), len(flat_config(configure(settings[0]))))), tiers, stretches)
    for place, own in enumerate(stretches):
        terms.write(place, configure(own[0].execution))
    return terms
