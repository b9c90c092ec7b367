"""What arrives in Application Insights by `host.json`, and whether it is what the alerts and queries read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .agreement import queries
from .docs import section
from .problem import Problem
from .project import Project

FILE = "infra/README.md"
LEVELS = ("Trace", "Debug", "Information", "Warning", "Error", "Critical", "None")
HOSTS_TABLES = r"\b(traces|requests|exceptions|dependencies)\b"
ITEMS_MAX, KB_MAX = 3, 2.5  # of an order that was simply stored
OVERRIDE = r"`AzureFunctionsJobHost__logging__logLevel__(\w+)=(\w+)`"


def check(project: Project) -> list[Problem]:
    """All of it."""
    text = section(project.text(FILE), "Telemetry")
    levels = project.json("host.json")["logging"]["logLevel"]
    found = [*_reasons(text, levels), *_readers(text, levels, project), *_outcomes(text, levels), *_cost(text, levels, project)]
    return [Problem(FILE, 0, message) for message in found]


def threshold(category: str, levels: Mapping[str, str]) -> str:
    """The least level that passes: of the longest rule that the category begins with, in any case, as in .NET."""
    rules = [name for name in levels if name != "default" and category.lower().startswith(name.lower())]
    return levels[max(rules, key=len)] if rules else levels.get("default", "Information")


def arrives(category: str, level: str, levels: Mapping[str, str]) -> bool:
    return LEVELS.index(level) >= LEVELS.index(threshold(category, levels))


def _rows(text: str, header: str) -> list[list[str]]:
    rows = text.partition(f"{header}\n")[2].splitlines()[1:]
    lines = rows[: next((at for at, row in enumerate(rows) if not row.startswith("|")), len(rows))]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def _reasons(text: str, levels: Mapping[str, str]) -> Iterator[str]:
    told = {(name.strip("`"), level) for name, level, _ in _rows(text, "| `logLevel` | | why |")}
    if told != set(levels.items()):
        yield f"host.json has the levels {dict(levels)}, the table gives reasons for {sorted(told)}"


def _readers(text: str, levels: Mapping[str, str], project: Project) -> Iterator[str]:
    asked = {**queries(project), **{name: query for name, query in re.findall(r"```kusto\n// ([^\n]+)\n(.*?)```", text, re.DOTALL)}}
    metrics = [rule.name for rule in project.snapshot().of("Microsoft.Insights/metricAlerts")]
    rows = _rows(text, "| read by | record | category | level |")
    told = [name for readers, *_ in rows for name in re.findall(r"`([^`]+)`", readers)]
    for name in sorted({*asked, *metrics} - set(told)):
        yield f"what {name} reads is not in the table"
    for name in sorted(set(told) - {*asked, *metrics}):
        yield f"{name} is in the table, but is no alert or query"
    for readers, _, categories, level in rows:
        names = re.findall(r"`([^`]+)`", readers)
        from_host = [name for name in names if re.search(HOSTS_TABLES, asked.get(name, ""))]
        if bool(from_host) != (level in LEVELS) or from_host not in ([], names):
            yield f"{readers}: a category and a level, for what the host writes and for nothing else"
        for category in re.findall(r"`([^`]+)`", categories):
            if level in LEVELS and not arrives(category, level, levels):
                yield f"{readers} reads {category} at {level}, and host.json lets pass {threshold(category, levels)} only"


def _outcomes(text: str, levels: Mapping[str, str]) -> Iterator[str]:
    """What a person looks for later arrives; what is the rule does not, but with the one setting it does."""
    detail = {**levels, **dict(re.findall(OVERRIDE, text)[:1])}
    rows = _rows(text, "| outcome | record | category | level |")
    if len(rows) < 6:
        yield "the table of outcomes is gone"
    for outcome, _, category, level in rows:
        category = category.strip("`")
        if arrives(category, level, levels) != (outcome != "stored"):
            yield f"{outcome}: {category} at {level} {'arrives' if outcome == 'stored' else 'does not arrive'}"
        if not arrives(category, level, detail):
            yield f"{outcome} does not arrive with the one setting either"


def cost(levels: Mapping[str, str], project: Project) -> tuple[int, float]:
    """Items and kilobytes of an order that was simply stored."""
    records = project.json("infra/check/telemetry.json")["records"]
    kept = [it for it in records if it["category"] is None or arrives(it["category"], it["level"], levels)]
    return sum(it["items"] for it in kept), round(sum(it["kb"] for it in kept), 2)


def _cost(text: str, levels: Mapping[str, str], project: Project) -> Iterator[str]:
    items, kb = cost(levels, project)
    if items > ITEMS_MAX or kb > KB_MAX:
        yield f"an order that is simply stored costs {items} items and {kb} kB of telemetry; {ITEMS_MAX} and {KB_MAX} at most"
    if cost({**levels, "Host.Results": "None"}, project)[0] >= items:
        yield "without requests nobody knows of invocations that fail"
    detail = cost({**levels, **dict(re.findall(OVERRIDE, text)[:1])}, project)
    everything = cost({"default": "Information"}, project)
    for what, (items, kb) in (("stored", (items, kb)), ("with the setting", detail), ("with all at Information", everything)):
        if f"{items} items, {kb:g} kB" not in text:
            yield f"{what}: an order costs {items} items, {kb:g} kB, and the page says otherwise"
