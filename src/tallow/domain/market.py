"""Instruments under ccxt's unified names, the spellings of venues, and single market events."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tallow.domain.errors import UserError, nearest

VENUES = ("binance", "binanceus", "bybit", "coinbase", "ftx", "kraken", "okx", "own", "simulated", "yahoo")

# Longest first: BTCUSDT ends in USDT before it ends in USD or T.
QUOTES = (
    "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "DAI", "USD", "EUR", "GBP", "TRY", "BRL", "JPY", "AUD",
    "BTC", "ETH", "BNB", "TRX", "XRP",
)  # fmt: skip
_ASSET = r"[A-Z0-9]{1,20}"
_UNIFIED = re.compile(rf"({_ASSET})/({_ASSET})(?::({_ASSET})(?:-(\d{{6}}))?)?")
_DASHED = re.compile(rf"({_ASSET})[-_]({_ASSET})(?:[-_](SWAP|PERP|\d{{6}}))?")


@dataclass(frozen=True, order=True)
class Instrument:
    """What is traded, and where.

    Attributes:
        venue: lower-case venue name.
        base: asset bought or sold.
        quote: asset the price is in.
        settle: asset of margin and profit; empty for spot.
        expiry: ``YYMMDD`` of a dated future; empty otherwise.
    """

    venue: str
    base: str
    quote: str
    settle: str = ""
    expiry: str = ""

    @property
    def symbol(self) -> str:
        """Unified name: ``BTC/USDT``, ``BTC/USDT:USDT``, ``BTC/USD:BTC``, ``BTC/USDT:USDT-251226``."""
        spot = f"{self.base}/{self.quote}"
        return f"{spot}:{self.settle}{'-' + self.expiry if self.expiry else ''}" if self.settle else spot

    @property
    def is_spot(self) -> bool:
        """Whether the asset itself changes hands."""
        return not self.settle

    @property
    def is_perpetual(self) -> bool:
        """Whether it is a future without expiry, which pays funding."""
        return bool(self.settle) and not self.expiry

    @property
    def is_inverse(self) -> bool:
        """Whether profit is paid in the base asset."""
        return bool(self.settle) and self.settle == self.base

    def __str__(self) -> str:
        return f"{self.venue}:{self.symbol}"


@dataclass(frozen=True)
class Trade:
    """One print of a venue's tape. Times are microseconds; receipt may precede the event."""

    instrument: Instrument
    trade_id: int
    event_time: int
    received_time: int
    price: float
    quantity: float
    buyer_is_maker: bool


@dataclass(frozen=True)
class Candle:
    """One candle, named by its open; known only once `close_time` has passed."""

    open_time: int
    close_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


def parse_symbol(text: str, venue: str = "binance", known: Iterable[str] = ()) -> Instrument:
    """Read an instrument from any spelling in use.

    Accepts unified (``BTC/USDT``, ``okx:BTC/USDT:USDT``), Binance and Bybit (``BTCUSDT``, ``BTCUSD_PERP``), OKX
    (``BTC-USDT-SWAP``) and Yahoo (``BTC-USD``) names; lower case too. A dashed or joined name is spot unless it
    says otherwise.

    Args:
        text: the name as typed.
        venue: where it trades, unless the text says so before a colon.
        known: unified names to suggest from when the text cannot be read.

    Example:
        >>> str(parse_symbol("btcusdt")), str(parse_symbol("BTC-USDT-SWAP", "okx"))
        ('binance:BTC/USDT', 'okx:BTC/USDT:USDT')

    Raises:
        UserError: UNKNOWN_SYMBOL with the nearest known names.
    """
    head, colon, rest = text.strip().partition(":")
    if colon and head.lower() in VENUES:
        venue, text = head.lower(), rest
    name = text.strip().upper()
    found = _parse_unified(name, venue) or _parse_dashed(name, venue) or _parse_joined(name, venue)
    if found is None:
        hints = nearest(name, known or ("BTC/USDT", "BTC/USDT:USDT", "ETH/USDT", "SOL/USDT"))
        raise UserError(
            "UNKNOWN_SYMBOL",
            f"{text!r} is not an instrument",
            facts={"valid": "BTC/USDT, BTC/USDT:USDT, BTCUSDT, BTC-USDT-SWAP", "nearest": ", ".join(hints)},
            commands=["tallow catalog"],
        )
    return found


def _parse_unified(name: str, venue: str) -> Instrument | None:
    match = _UNIFIED.fullmatch(name)
    return Instrument(venue, match[1], match[2], match[3] or "", match[4] or "") if match else None


def _parse_dashed(name: str, venue: str) -> Instrument | None:
    match = _DASHED.fullmatch(name)
    if match is None:
        return None
    base, quote, kind = match.groups()
    if quote in ("PERP", "SWAP"):
        joined = _parse_joined(base, venue)
        return None if joined is None else _derivative(joined.venue, joined.base, joined.quote, "")
    if not kind:
        if not quote.isdigit():
            return Instrument(venue, base, quote)
        joined = _parse_joined(base, venue)  # BTCUSDT_210625: a dated future
        return _derivative(venue, joined.base, joined.quote, quote) if joined else None
    return _derivative(venue, base, quote, kind if kind.isdigit() else "")


def _parse_joined(name: str, venue: str) -> Instrument | None:
    # Bases of three letters or more first: DOTUSD is DOT in dollars, not DO in TUSD; OPUSDT needs the second look.
    for shortest in (3, 2):
        for quote in QUOTES:
            if name.endswith(quote) and shortest <= len(name) - len(quote) <= 20 and name.isalnum():
                return Instrument(venue, name.removesuffix(quote), quote)
    return None


def _derivative(venue: str, base: str, quote: str, expiry: str) -> Instrument:
    return Instrument(venue, base, quote, base if quote == "USD" else quote, expiry)
