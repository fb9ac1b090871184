"""A seeded market, and an exchange on loopback that serves it."""

from tallow.venues.simulated.faults import Faults
from tallow.venues.simulated.market import Halt, Market, usual_halts
from tallow.venues.simulated.server import SimulatedExchange

__all__ = ["Faults", "Halt", "Market", "SimulatedExchange", "usual_halts"]
