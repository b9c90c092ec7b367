"""The tables of infra/README.md against Bicep: roles, settings, alerts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .azd import variables
from .policy import ASSIGNMENTS, ROLES
from .problem import Problem
from .project import Project
from .settings import FUNCTION, WEB, app_settings

FILE = "infra/README.md"


def check(project: Project) -> list[Problem]:
    """Nothing missing in a table, and nothing left over."""
    text = project.text(FILE)
    found = [*_roles(text), *_settings(text, project), *_alerts(text, project), *_parameters(text, project)]
    return [Problem(FILE, 0, message) for message in found]


def section(text: str, title: str) -> str:
    """From its title to the next one of its rank."""
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _difference(what: str, table: set[str], bicep: set[str]) -> Iterator[str]:
    for name in sorted(bicep - table):
        yield f"{what} {name} is not in the table"
    for name in sorted(table - bicep):
        yield f"{what} {name} is in the table, but not in Bicep"


def _roles(text: str) -> Iterator[str]:
    table = set(re.findall(r"(?m)^\| ([A-Z][\w ]+) \| `([0-9a-f-]{36})` \|", section(text, "Roles")))
    bicep = {(role, ROLES[role]) for role, _, _ in ASSIGNMENTS}
    yield from _difference("role", {" ".join(row) for row in table}, {" ".join(row) for row in bicep})


def _settings(text: str, project: Project) -> Iterator[str]:
    rows = re.findall(r"(?m)^\| (`.*?) \| [^|]+ \| ([^|]+) \|$", section(text, "Settings"))
    for app, module in (("function", FUNCTION), ("storefront", WEB)):
        table = {name for names, apps in rows if app in apps for name in re.findall(r"`(\w+)`", names)}
        yield from _difference(f"setting of the {app}", table, set(app_settings(project, module)))


def _alerts(text: str, project: Project) -> Iterator[str]:
    rules = [rule for type_ in ("metricAlerts", "scheduledQueryRules") for rule in project.snapshot().of(f"Microsoft.Insights/{type_}")]
    bicep = {rule.name for rule in rules}
    yield from _difference("alert", set(re.findall(r"(?m)^\| `([\w-]+)` \|", section(text, "Alerts"))), bicep)


def _parameters(text: str, project: Project) -> Iterator[str]:
    rows = re.findall(r"(?m)^\| `(\w+)` \| `(\w+)` \| (?:`([^`]*)`)?", section(text, "Parameters"))
    asked = {name: variable for name, (variable, _) in variables(project).items()}
    yield from _difference("parameter", {f"{name} ({variable})" for name, variable, _ in rows}, {f"{n} ({v})" for n, v in asked.items()})
    for name, _, default in rows:
        written = str(project.template["parameters"].get(name, {}).get("defaultValue", ""))
        if default and written and default.lower() != written.lower():
            yield f"parameter {name}: the table says {default}, main.bicep {written}"
