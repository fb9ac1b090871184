"""What names say: venue, market, instrument and candle length, from a file name and the folders above it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from tallow.domain.errors import UserError
from tallow.domain.market import VENUES, Instrument, parse_symbol
from tallow.domain.timeframes import Timeframe
from tallow.venues.files.parse.content import Hints

_VENUE_WORDS = {**{venue: venue for venue in VENUES}, "okex": "okx", "binanceus": "binanceus"}
_MARKET_WORDS: dict[str, str] = {
    "spot": "spot", "crypto": "spot", "usdm": "linear", "um": "linear", "usd-m": "linear", "linear": "linear",
    "cryptofuture": "linear", "futures": "linear", "swap": "linear", "perp": "linear", "coinm": "inverse",
    "cm": "inverse", "coin-m": "inverse", "inverse": "inverse",
}  # fmt: skip
_WORDS = {
    "second": "1s", "minute": "1m", "hour": "1h", "hourly": "1h", "daily": "1d", "day": "1d", "d": "1d",
    "week": "1w", "weekly": "1w", "month": "1M", "monthly": "1M",
}  # fmt: skip
_LENGTH = re.compile(r"(\d{1,4})(mo|[smhdw])", re.IGNORECASE)
_PERIOD = re.compile(r"P(?:T(\d{1,4})([HMS])|(\d{1,4})([DW]))")
_PAIR = re.compile(r"(?<![A-Za-z0-9])([A-Z0-9]{2,12})[_-]([A-Z]{2,6})(?:[_:]([A-Z]{2,6}))?(?![A-Z0-9])")
# In lower case only these count as quote assets: "industry" ends in TRY.
_LOWER_QUOTES = ("usdt", "usdc", "busd", "usd", "eur", "btc", "eth")
_NOT_BASES = frozenset(_VENUE_WORDS) | {"trades", "klines"}
_DEPTH = 10


def read_names(path: str, received_time: int, venue: str = "") -> Hints:
    """Read what the last folders and the file name say; the file name has the last word, `venue` the least.

    Example:
        >>> hints = read_names("binance/usdm/klines-5m/XRP_USDT_USDT-5m-futures.feather", 0)
        >>> str(hints.instrument), str(hints.timeframe)
        ('binance:XRP/USDT:USDT', '5m')
    """
    parts = [part for part in re.split(r"[/\\!]", path) if part][-_DEPTH:]
    venue, market = _venue(parts) or venue, _market(parts)
    instrument = next((found for part in reversed(parts) if (found := _instrument(part, venue, market))), None)
    frames = (timeframe_in(part) for part in reversed(parts))
    return Hints(
        instrument.venue if instrument else venue,
        market,
        instrument,
        next((frame for frame in frames if frame), None),
        received_time,
    )


def names_marks(path: str) -> bool:
    """Whether the file name says that prices are not those of trades: mark, index or premium prices."""
    return bool(
        {"mark", "index", "premium", "premiumindex"} & set(_words(_stem(re.split(r"[/\\!]", path)[-1]).lower()))
    )


def names_funding(path: str) -> bool:
    """Whether the file name says that it holds funding rates."""
    return "funding" in _last_stem(path).lower()


def timeframe_in(text: str) -> Timeframe | None:
    """Find a candle length in a name: `1h`, `1Mo` (a month), `PT4H`, `minute`; `1m` is a minute, `1M` a month."""
    for word in reversed(_words(_stem(text))):
        period, length = _PERIOD.fullmatch(word), _LENGTH.fullmatch(word)
        if period:
            return Timeframe(int(period[1] or period[3]), (period[2] or period[4]).lower())
        if length and int(length[1]):
            unit = "M" if length[2].lower() == "mo" or length[2] == "M" else length[2].lower()
            return Timeframe(int(length[1]), unit)
        if word.lower() in _WORDS:
            short = _WORDS[word.lower()]
            return Timeframe(int(short[:-1]), short[-1])
    return None


def perpetual(instrument: Instrument, market: str) -> Instrument:
    """Give the perpetual of a spot name where the market is one of futures; anything else as it is."""
    if market not in ("linear", "inverse") or instrument.settle:
        return instrument
    coin = instrument.quote == "USD" and instrument.venue != "ftx"
    return Instrument(
        instrument.venue, instrument.base, instrument.quote, instrument.base if coin else instrument.quote
    )


@lru_cache(maxsize=4096)
def read_symbol(text: str, venue: str, market: str = "") -> Instrument | None:
    """Read a venue's spelling as what it means on a market; None where it names nothing tallow can hold."""
    if not text or not venue:
        return None
    if venue == "kraken":  # bitcoin is XBT there, and XBTUSD would be read as XB/TUSD
        text = text.upper().replace("XBT", "BTC")
    try:
        found = parse_symbol(text, venue)
    except UserError:
        return None
    if found.quote == "TUSD" and not venue.startswith("binance"):  # DOTUSD: only Binance quotes in TUSD
        found = replace(found, base=f"{found.base}T", quote="USD")
    return perpetual(found, market)


def venue_word(text: str) -> str:
    """Give the venue that a word names, or an empty string."""
    return _VENUE_WORDS.get(text.casefold(), "")


def _venue(parts: list[str]) -> str:
    words = _words(_stem(parts[-1])) if parts else []
    if len(words) > 2 and words[0].lower() == "cryptofeed":
        words = words[1:]
    candidates = [*words[:1], *reversed(parts[:-1])]
    return next((found for word in candidates if (found := venue_word(word))), "")


def _market(parts: list[str]) -> str:
    words = [word.lower() for word in reversed(_words(_stem(parts[-1])))] if parts else []
    folders = [part.lower() for part in reversed(parts[:-1])]
    # LEAN's "crypto" and Binance's "futures" say less than the folder below them, which comes first here.
    return next((_MARKET_WORDS[word] for word in [*words, *folders] if word in _MARKET_WORDS), "")


def _instrument(part: str, venue: str, market: str) -> Instrument | None:
    if not venue:
        return None
    for instrument in _candidates(_stem(part), venue):
        if instrument.base.lower() not in _NOT_BASES and not instrument.base.isdigit():
            return perpetual(instrument, market)
    return None


def _candidates(stem: str, venue: str) -> Iterator[Instrument]:
    words = _words(stem)
    if words[1:2] and words[1].upper() == "PERP":
        if venue == "ftx":
            yield Instrument(venue, words[0].upper(), "USD", "USD")
        yield from _read(f"{words[0]}_PERP", venue)
    for match in _PAIR.finditer(stem):
        base, quote, settle = match.groups()
        if quote in ("USDT", "USDC", "BUSD", "FDUSD", "TUSD", "USD", "EUR", "GBP", "BTC", "ETH", "BNB", "TRY", "BRL"):
            yield Instrument(venue, _coin(base, venue), quote, settle or "")
    for word in words:
        if word.isupper() or word.lower().endswith(_LOWER_QUOTES):
            yield from _read(word, venue)


def _read(word: str, venue: str) -> Iterator[Instrument]:
    found = read_symbol(word, venue)
    if found:
        yield Instrument(venue, _coin(found.base, venue), found.quote, found.settle, found.expiry)


def _coin(base: str, venue: str) -> str:
    return {"XBT": "BTC", "XDG": "DOGE"}.get(base, base) if venue == "kraken" else base


def _stem(name: str) -> str:
    return re.sub(r"(\.(json|jsonl|gz|zst|zip|csv|feather|arrow|parquet|data|dat|txt|DEFECTS|CORRUPT))+$", "", name)


def _last_stem(path: str) -> str:
    return _stem(re.split(r"[/\\!]", path)[-1])


def _words(stem: str) -> list[str]:
    return [word for word in re.split(r"[-_.\s@]", stem) if word]
