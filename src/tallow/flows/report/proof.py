"""Why a result can or cannot be trusted: causality evidence, data incidents, and what it takes to repeat it."""

from collections.abc import Iterable
from dataclasses import asdict

from tallow.domain.evidence import Certificate, Finding, Incident
from tallow.domain.ranges import iso
from tallow.domain.results import Result
from tallow.domain.scene import Execution
from tallow.domain.tiers import Tiers
from tallow.domain.timeframes import SECOND
from tallow.flows.incidents import profit_inside
from tallow.flows.report import figures
from tallow.flows.report.markup import Content, Markup, join, tag
from tallow.flows.report.tables import Column, empty, pairs, table
from tallow.flows.report.verdict import judge, notices

FINDINGS_SHOWN = 100
FINDINGS_PAGE = 10
CAUSES_SHOWN = 10
INCIDENTS_PAGE = 25

_FINDING_COLUMNS = (
    Column("Row", "Row of the output that changed"),
    Column("Time, UTC", "Open of that row's bar", is_text=True),
    Column("Known to", "Last row that both runs saw alike: everything after it was removed or replaced"),
    Column("True future", "Output with the bars as they are"),
    Column("Changed future", "Output after later bars were changed; a dash when the row is missing"),
    Column("Rows changed", "How many rows up to there changed"),
    Column("How", "How the future was changed", is_text=True),
    Column("Kind", "What sort of leak it looks like", is_text=True),
    Column("Line", "Where the cause probably is", is_text=True),
)
_INCIDENT_COLUMNS = (
    Column("Kind", "Reason code", is_text=True),
    Column("From, UTC", "First moment concerned", is_text=True),
    Column("To, UTC", "First moment no longer concerned", is_text=True),
    Column("Length", "", is_text=True),
    Column("Count", "Candles or rows concerned"),
    Column("Position open", "Whether the account was exposed", is_text=True),
    Column("Equity change", "From the last bar before to the first bar after, quote units"),
)
_INCIDENT_MEANINGS = {
    "GAP": "candles that are not there, cause unknown; nothing was filled in",
    "MISSING": "candles that the source does not have; nothing was filled in",
    "NOT_AT_VENUE": "candles that the venue was asked for and does not have; nothing was filled in",
    "ZERO_VOLUME": "candles without a trade; orders on them were not filled",
    "QUARANTINED": "rows that broke the contract and were kept out",
    "FUNDING_MISSING": "funding payments that are not known and count as zero",
    "SIMULATED": "bars that come from a simulation",
}


def causality(certificate: Certificate | None) -> Markup:
    """Show the verdict, what was tested, and every finding with its evidence."""
    judgement = judge(certificate)
    verdict = tag(
        "p",
        tag("strong", f"{judgement.symbol} {judgement.word}. "),
        judgement.sentence,
        class_=f"callout {judgement.tone}",
    )
    if certificate is None:
        return join(verdict, tag("p", "Prove it: ", tag("code", "tallow check"), class_="lead"))
    tested = pairs(
        (
            ("Rows of data", f"{certificate.rows:,}"),
            ("Rows where the output changes", f"{certificate.changes:,}"),
            ("Futures changed", f"{certificate.cuts:,}"),
            ("Runs of the strategy", f"{certificate.runs:,}"),
            ("Confirmed in a fresh process", f"{certificate.fresh:,}"),
            ("Strategy", _code(certificate.strategy_hash[:16] or figures.DASH)),
            ("Data", _code(certificate.data or figures.DASH)),
        )
    )
    if not certificate.findings:
        return join(verdict, tested)
    shown = certificate.findings[:FINDINGS_SHOWN]
    rows = [_finding_row(finding) for finding in shown]
    left_out = len(certificate.findings) - len(shown)
    more = tag("p", f"{left_out:,} more findings are not shown.", class_="empty") if left_out else None
    # The cause comes before the evidence: it is what the reader can act on.
    page = FINDINGS_PAGE if len(rows) > FINDINGS_PAGE else None
    evidence = table("Look-ahead findings", _FINDING_COLUMNS, rows, identifier="finding-rows", page=page)
    return join(verdict, tested, _advice(shown), evidence, more)


def _finding_row(finding: Finding) -> list[Content]:
    return [
        f"{finding.row:,}",
        figures.moment(finding.time),
        f"{finding.cut:,}",
        _output(finding.before),
        _output(finding.after),
        f"{finding.rows_changed:,}",
        finding.method,
        finding.kind,
        _code(finding.location or figures.DASH),
    ]


def _output(amount: float | str | None) -> str:
    if isinstance(amount, str):
        return amount
    return figures.DASH if amount is None else f"{amount:.6g}".replace("-", figures.MINUS)


def _advice(findings: tuple[Finding, ...]) -> Markup | None:
    """Show each likely cause once: the line, what to write instead, and how to see it again."""
    seen: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        # One planted line makes hundreds of findings: its text is needed once.
        if finding.source or finding.hint or finding.replay:
            seen.setdefault((finding.location, finding.source, finding.hint), finding)
    causes = (_cause(finding) for finding in list(seen.values())[:CAUSES_SHOWN])
    return tag("ul", *causes, class_="causes") if seen else None


def _cause(finding: Finding) -> Markup:
    where = tag("p", tag("strong", finding.location or "Cause"), " ", finding.kind)
    source = tag("pre", tag("code", finding.source)) if finding.source else None
    hint = tag("p", f"Instead: {finding.hint}") if finding.hint else None
    replay = tag("p", "See it again: ", _code(finding.replay)) if finding.replay else None
    return tag("li", where, source, hint, replay)


def incidents(result: Result) -> Markup:
    """List what was wrong with the data inside the range."""
    if not result.incidents:
        return empty("None: no gap, quarantined row or missing funding is known inside the range.")
    page = INCIDENTS_PAGE if len(result.incidents) > INCIDENTS_PAGE else None
    rows = [incident_row(incident) for incident in result.incidents]
    inside = tag("p", f"{inside_words(result)}.", class_="lead")
    return join(
        inside,
        table("Data incidents", _INCIDENT_COLUMNS, rows, identifier="incident-rows", page=page),
        meanings(result.incidents),
    )


def meanings(found: Iterable[Incident]) -> Markup:
    """Say what each kind of incident means."""
    kinds = sorted({incident.kind for incident in found} & set(_INCIDENT_MEANINGS))
    return pairs(((kind, _INCIDENT_MEANINGS[kind]) for kind in kinds), "glossary small")


def inside_words(result: Result) -> str:
    """Say how much of the profit was made while data were wrong."""
    quote, final = result.scene.instrument.quote, result.run.equity
    profit = float(final[-1]) - result.scene.cash if len(final) else 0.0
    inside = figures.number(profit_inside(result), signed=True)
    return f"{inside} {quote} of the profit of {figures.number(profit, signed=True)} {quote} was made inside incidents"


def incident_row(incident: Incident) -> list[Content]:
    """Give the cells of one incident."""
    return [
        incident.kind,
        figures.moment(incident.start),
        figures.moment(incident.end),
        figures.duration(incident.end - incident.start),
        f"{incident.count:,}",
        "yes" if incident.exposed else "no",
        figures.number(incident.profit, signed=True) if incident.exposed else figures.DASH,
    ]


def reproduce(result: Result) -> Markup:
    """Show everything that fixes the result: scene, settings, data versions, hashes, and the command."""
    scene = result.scene
    versions = ((_code(name), f"version {version}") for name, version in sorted(result.table_versions.items()))
    command = f"tallow results replay {result.key[:12]}"
    copy = tag("button", "Copy", type="button", data_copy="command", hidden=True)
    return join(
        tag("p", tag("code", command, id="command"), copy, class_="command"),
        tag(
            "div",
            block("Strategy", _strategy_facts(result)),
            block("Execution", execution(scene.execution)),
            block("Data", pairs([*_data_facts(result), *versions])),
            class_="blocks",
        ),
        block("Identity", pairs(_identity(result), "facts wide")),
        source(result.strategy_source),
    )


def _strategy_facts(result: Result) -> Markup:
    rows: list[tuple[Content, Content]] = [("name", result.scene.strategy)]
    rows += [(name, setting(value)) for name, value in result.scene.parameters.items()]
    rows.append(("starting balance", f"{figures.number(result.scene.cash)} {result.scene.instrument.quote}"))
    return pairs(rows)


def _data_facts(result: Result) -> list[tuple[Content, Content]]:
    scene = result.scene
    time = result.run.time
    covered = f"{iso(int(time[0]))} to {iso(int(time[-1]))}" if len(time) else figures.DASH
    return [
        ("instrument", str(scene.instrument)),
        ("timeframe", str(scene.timeframe)),
        ("first to last bar", covered),
        ("bars", f"{len(time):,}"),
        ("bars from", result.origin),
        ("candles are", result.bars_origin),
        ("ambiguous bars", f"{result.run.ambiguous_bars:,}"),
        ("rejected orders", f"{result.run.rejected_orders:,}"),
    ]


def _identity(result: Result) -> list[tuple[Content, Content]]:
    rows: list[tuple[Content, Content]] = [
        ("key", _code(result.key)),
        ("digest", _code(result.digest)),
        ("data digest", _code(result.data_digest)),
        ("strategy hash", _code(result.strategy_hash)),
        ("engine version", _code(result.engine_version)),
    ]
    if result.created:
        rows.append(("computed", f"{figures.moment(result.created // SECOND * SECOND)} UTC"))
    # A note that begins like a label says the same in other words.
    said = " ".join(note.split()[0] for note in result.notes if note.strip())
    rows += [(name.lower(), meaning) for name, meaning in notices(result) if name.split()[0] not in said]
    return rows + [("note", note) for note in result.notes]


def source(text: str, title: str = "Strategy source") -> Markup | None:
    """Show the code that decided, folded; nothing when it is not known."""
    if not text:
        return None
    lines = text.count("\n") + 1
    summary = tag("summary", f"{title}, {figures.plural(lines, 'line')}")
    return tag("details", summary, tag("pre", tag("code", text), tabindex="0"))


def execution(own: Execution) -> Markup:
    """List the settings of an execution."""
    settings = {**asdict(own), "tiers": tier_words(own.tiers)}
    return pairs((name.replace("_", " "), setting(value)) for name, value in settings.items())


def tier_words(tiers: Tiers) -> str | None:
    """Write margin tiers: the rate of each, and from which notional on it holds; None without any."""
    return ", ".join(f"{one.maintenance_margin:.10g} from {one.notional:.10g}" for one in tiers) or None


def block(title: str, content: Markup) -> Markup:
    """Frame a list under its heading."""
    return tag("div", tag("h3", title), content)


def setting(value: object) -> str:
    """Write a setting."""
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _code(text: str) -> Markup:
    return tag("code", text)
