"""The first lines of a report: what came out, against what, and whether it can be trusted."""

from dataclasses import dataclass

from tallow.domain.evidence import Certificate
from tallow.domain.results import EXIT_REASONS, Result
from tallow.flows.report import definitions, figures, honesty
from tallow.flows.report.markup import Content, Markup, join, tag


@dataclass(frozen=True)
class Judgement:
    """A word with its tone (``good``, ``warn``, ``bad``), a symbol, and the sentence behind it."""

    word: str
    tone: str
    symbol: str
    sentence: str


_SCORED = "What is left of the Sharpe ratio once trials, chance and length are counted."
UNPROVEN = Judgement("Unproven", "warn", "?", "No look-ahead check was run: the decisions may have seen the future.")
_WORDS = {"certified": ("Certified", "good", "✓"), "leaky": ("Leaky", "bad", "✗"), "unknown": ("Unknown", "warn", "?")}


def judge(certificate: Certificate | None) -> Judgement:
    """Put a causality verdict into words; without certificate it is unproven."""
    if certificate is None:
        return UNPROVEN
    word, tone, symbol = _WORDS[certificate.verdict]
    reason = certificate.reason.strip() or "no reason was given"
    # Reasons come as clauses; here they stand as sentences of their own.
    sentence = reason[:1].upper() + reason[1:] + ("" if reason.endswith((".", "!", "?")) else ".")
    return Judgement(word, tone, symbol, sentence)


def notices(result: Result) -> tuple[tuple[str, str], ...]:
    """Give the labels a result must wear wherever it is shown, each with its meaning."""
    worn = []
    if result.origin == "simulated":
        worn.append(("SIMULATED", "The market is a seeded simulation, not a recording of a real one."))
    if result.scene.execution.fill == "close":
        worn.append(("OPTIMISTIC FILL", "Orders fill at the close of the very bar that decides them."))
    if result.bars_origin == "trades":
        worn.append(("BUILT FROM TRADES", "The candles were built from single trades."))
    elif result.bars_origin not in ("native", ""):
        words = f"The venue's {result.bars_origin} candles were merged into {result.scene.timeframe} candles."
        worn.append((f"RESAMPLED FROM {result.bars_origin}", words))
    for label in ("HOLDOUT", "VENUE RULES", "FILL RULES"):
        marked = (note.removeprefix(label).strip() for note in result.notes if note.startswith(f"{label} "))
        worn += [(label, words[:1].upper() + words[1:] + ".") for words in marked]
    return tuple(worn)


def costs(result: Result) -> float:
    """Add up fees, slippage and funding; what is undefined counts as nothing."""
    return sum(float(result.metrics.get(name) or 0.0) for name in ("fees", "slippage", "funding"))


def liquidations(result: Result) -> int:
    """Count trades that ended by liquidation."""
    return int((result.run.trades.reason == EXIT_REASONS.index("liquidation")).sum())


def headline(result: Result) -> str:
    """Say in one plain sentence what came out."""
    bars, quote = len(result.run.time), result.scene.instrument.quote
    if not bars:
        return "There are no bars in this range."
    # The log is asked, not the metric: an open trade is no closed one, but it has been traded.
    if not len(result.run.trades):
        return f"Never traded in {figures.plural(bars, 'bar')}."
    after = f"after {figures.number(costs(result))} {quote} of costs"
    earned, held = result.metrics.get("return_pct"), result.metrics.get("buy_hold_pct")
    if liquidations(result):
        return f"Liquidated: the account ended at {figures.percent(earned, 1, signed=True)} {after}."
    if earned is None or not figures.is_known(earned):
        return f"The return is undefined; costs were {figures.number(costs(result))} {quote}."
    if held is None or not figures.is_known(held):
        return f"Returned {figures.percent(earned, 1, signed=True)} {after}."
    # Points, not per cent of per cent: 5 % against 17 % is a loss of 12 points.
    distance = earned - held
    if abs(distance) < 0.05:
        return f"Matched buy & hold {after}."
    word = "Beat" if distance > 0 else "Lost to"
    return f"{word} buy & hold by {figures.number(abs(distance), 1)} percentage points {after}."


def caution(result: Result) -> str:
    """Say why the sentence above may not be believed; empty when nothing speaks against it."""
    judgement = judge(result.certificate)
    if judgement.tone == "good":
        return ""
    if judgement.tone == "bad":
        return f"These numbers are void: the strategy uses the future. {judgement.sentence}"
    return judgement.sentence


def interval(result: Result) -> str:
    """Write the 95 % interval of the Sharpe ratio and the number of days behind it; empty when unknown."""
    low, high = result.metrics.get("sharpe_low"), result.metrics.get("sharpe_high")
    if not (figures.is_known(low) and figures.is_known(high)):
        return ""
    return f"{figures.number(low)} to {figures.number(high)}"


def strip(result: Result, *, linked: bool = True) -> Markup:
    """Lay out the verdict: one cell for each answer, in the order in which a reader asks.

    `linked` lets every name lead to its definition or section on the same page.
    """
    metrics, judgement = result.metrics, judge(result.certificate)
    earned, held, fall = (metrics.get(key) for key in ("return_pct", "buy_hold_pct", "max_drawdown_pct"))
    sharpe, trades = metrics.get("sharpe"), metrics.get("trades", len(result.run.trades))
    count = len(result.incidents)
    exposed = sum(incident.exposed for incident in result.incidents)
    gaps = f"{exposed:,} with an open position" if count else "none inside the range"
    cells = (
        _metric("return_pct", earned, f"buy & hold {figures.percent(held, signed=True)}", figures.tone(earned)),
        _metric("max_drawdown_pct", fall, _under_water(result), figures.tone(fall)),
        _metric("sharpe", sharpe, _sharpe_note(result)),
        _metric("trades", trades, _trade_note(result)),
        Cell("Causality check", _fact(judgement), _coverage(result.certificate), "causality", judgement.sentence),
        Cell("Honest score", _scored(result), honesty.note_of(honesty.score_of(result)), "honesty", _SCORED),
        Cell("Data incidents", tag("span", f"{count:,}", class_="warn" if count else "good"), gaps, "incidents"),
        Cell("Digest", tag("span", result.digest[:12], class_="code"), "of every number", "reproduce", result.digest),
    )
    return tag("div", *(cell.write(linked) for cell in cells), class_="strip eight")


@dataclass(frozen=True)
class Cell:
    """One answer of the strip: its name, the answer, a note below, where its name leads, and its meaning."""

    name: str
    answer: Markup
    note: Content
    target: str
    meaning: str = ""

    def write(self, linked: bool) -> Markup:
        """Write the cell, with or without a link."""
        link = tag("a", self.name, href=f"#{self.target}", class_="term", title=self.meaning or None)
        name = link if linked else tag("span", self.name, title=self.meaning or None)
        return tag("div", tag("h3", name), tag("p", self.answer, class_="big"), tag("p", self.note, class_="note"))


def _metric(key: str, amount: float | int | None, note: Content, tone: str = "") -> Cell:
    found = definitions.find_definition(key)
    return Cell(found.label, definitions.value(key, amount, tone), note, found.anchor, found.meaning)


def _scored(result: Result) -> Markup:
    found = honesty.score_of(result)
    tone, symbol = honesty.tone_of(found)
    return tag("span", f"{symbol} {honesty.word_of(found)}", class_=tone)


def _fact(judgement: Judgement) -> Markup:
    return tag("span", f"{judgement.symbol} {judgement.word}", class_=judgement.tone)


def _under_water(result: Result) -> str:
    days = result.metrics.get("max_drawdown_days")
    # Zero days is how the metric says that there was no fall at all.
    if days == 0:
        return "never below the peak"
    return f"under water for {figures.number(days, 0)} days" if figures.is_known(days) else "below the peak"


def _sharpe_note(result: Result) -> Markup:
    low_high, days = interval(result), result.metrics.get("sharpe_n")
    if not low_high:
        return Markup("no interval")
    count = f", n\u00a0=\u00a0{days:,.0f}" if days else ""
    return join("95\u00a0%: ", tag("span", low_high, class_="num"), count)


def _trade_note(result: Result) -> str:
    wins, losses = result.metrics.get("wins"), result.metrics.get("losses")
    parts = [f"{figures.number(wins, 0)} won", f"{figures.number(losses, 0)} lost"]
    still = result.metrics.get("open_trades")
    return " · ".join(parts + ([f"{still:.0f} open"] if still else []))


def _coverage(certificate: Certificate | None) -> str:
    if certificate is None:
        return "no look-ahead check was run"
    if certificate.verdict == "unknown":
        return "see the reason below"
    found = len(certificate.findings)
    tested = f"{certificate.cuts:,} futures changed"
    return f"{figures.plural(found, 'finding')}, {tested}" if found else f"{tested}, {certificate.runs:,} runs"
