"""The result as plain text: what a terminal prints."""

from tallow.domain.results import Result
from tallow.flows.report import figures, honesty, orders
from tallow.flows.report.definitions import DEFINITIONS
from tallow.flows.report.proof import inside_words
from tallow.flows.report.verdict import caution, headline, interval, judge, notices

KEYS = (
    "return_pct", "buy_hold_pct", "cagr_pct", "max_drawdown_pct", "volatility_pct", "sharpe", "sortino", "calmar",
    "trades", "open_trades", "wins", "losses", "win_rate_pct", "profit_factor", "expectancy", "sqn", "exposure_pct",
    "fees", "slippage", "funding",
)  # fmt: skip
_MONEY = ("money", "signed money")


def text(result: Result) -> str:
    """Write the headline metrics aligned, the verdict, and the digest; no trailing newline.

    Undefined metrics are a dash. Names are printed as they are, without control characters.
    """
    scene = result.scene
    lines = [f"{_plain(scene.strategy)} on {scene.instrument} {scene.timeframe}", _range(result)]
    lines += [f"{name}: {meaning}" for name, meaning in notices(result)]
    lines += ["", headline(result), *filter(None, [_plain(caution(result))]), ""]
    rows = _metric_rows(result)
    name_width = max(len(name) for name, _, _ in rows)
    # Widths are counted on what is printed: the widest value sets the column.
    value_width = max(len(value) for _, value, _ in rows)
    lines += [f"  {name:<{name_width}}  {value:>{value_width}}  {note}".rstrip() for name, value, note in rows]
    judgement = judge(result.certificate)
    lines += ["", *(f"  {name:<{name_width}}  {words}" for name, words in _evidence(result))]
    if result.orders is not None:
        lines += _block("Orders", orders.plain_orders(result))
    lines += _block("", honesty.plain_score(result)) + _block("Assumption ladder", honesty.plain_ladder(result))
    return "\n".join(
        [*lines, "", f"{judgement.symbol} causality {judgement.word.lower()}: {_plain(judgement.sentence)}"]
    )


def _range(result: Result) -> str:
    time = result.run.time
    if not len(time):
        return "no bars"
    end = int(time[-1]) + result.scene.timeframe.microseconds
    return f"{figures.moment(int(time[0]))} to {figures.moment(end)} UTC, {figures.plural(len(time), 'bar')}"


def _metric_rows(result: Result) -> list[tuple[str, str, str]]:
    labels = {definition.key: definition for definition in DEFINITIONS}
    rows = []
    for key in KEYS:
        if key in result.metrics or key in ("return_pct", "trades"):
            unit = labels[key].unit
            # Terminals and scripts get the minus and the space that they can read.
            value = labels[key].write(result.metrics.get(key)).replace("\u00a0", " ").replace(figures.MINUS, "-")
            note = result.scene.instrument.quote if unit in _MONEY and value != figures.DASH else ""
            low_high = interval(result).replace(figures.MINUS, "-") if key == "sharpe" else ""
            rows.append((labels[key].label, value, f"95 %: {low_high}" if low_high else note))
    return rows


def _evidence(result: Result) -> list[tuple[str, str]]:
    exposed = sum(incident.exposed for incident in result.incidents)
    words = f"{len(result.incidents):,}"
    if result.incidents:
        inside = inside_words(result).replace(figures.MINUS, "-")
        words += f", {exposed:,} with an open position; {inside}"
    return [
        ("Data incidents", words),
        ("Digest", result.digest),
        ("Repeat it", f"tallow results replay {result.key[:12]}"),
    ]


def _block(title: str, rows: list[tuple[str, str]]) -> list[str]:
    # Terminals and scripts get the minus and the space that they can read.
    shown = [(name, words.replace("\u00a0", " ").replace(figures.MINUS, "-")) for name, words in rows]
    width = max(len(name) for name, _ in shown)
    return ["", *([title] if title else []), *(f"  {name:<{width}}  {words}".rstrip() for name, words in shown)]


def _plain(words: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in words)
