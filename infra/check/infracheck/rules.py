"""Static checks of the workflow that the engine's own validation does not make."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from .agreement import seconds
from .engine import Json
from .problem import Problem
from .project import CHECK, Project
from .settings import rust_settings

FILE = "infra/logicapp/fallback.definition.json"
# What the local stand-in of the workflow has to know, too.
FUNCTIONS = {
    "body", "coalesce", "concat", "decodeUriComponent", "equals", "guid", "if", "item", "json", "outputs", "parameters",
    "replace", "split", "string", "triggerBody", "workflow",
}  # fmt: skip
CALLER_GIVES_UP = 120  # seconds after which the platform answers 504 itself
_TEXT = re.compile(r"'(?:[^']|'')*'")
_CALL = re.compile(r"\b([A-Za-z]\w*)\(")
_EXPRESSION = re.compile(r"@\{(.*?)\}(?!\})")
# What may stand in the HTML: tables escape, and our own words hold nothing that came from outside.
_SAFE = re.compile(r"body\('\w+_table'\)|outputs\('Words'\)\['(title|what|next\d|text)'\]|outputs\('Parts'\)\['\w+Html'\]")
# What of the parts does not come from outside: questions, and our own words.
_HARMLESS = re.compile(
    r"equals\(triggerBody\(\)(\??\['\w+'\])+, (null|'\w+'|json\('\[\]'\))\)|outputs\('Words_by_list'\)\[triggerBody\(\)\['shown'\]\['productList'\]\]"
    r"|body\('\w+_table'\)"
)


def check(project: Project) -> list[Problem]:
    """All of it."""
    definition = project.definition
    schema = json.loads((CHECK / "schemas" / "workflow.schema.json").read_text(encoding="utf-8"))
    errors = Draft202012Validator(schema).iter_errors(definition)
    problems = [Problem(FILE, 0, f"{error.json_path}: {error.message[:200]}") for error in errors]
    if problems:
        return problems
    found = [*_vocabulary(definition), *_html(definition), *_responses(definition), *_time(definition, project), *_hidden(definition), *_found(definition)]
    return [Problem(FILE, 0, message) for message in found]


def actions(definition: Json) -> dict[str, Json]:
    """Every action by its name, nested ones too."""
    found: dict[str, Json] = {}
    waiting = [definition["actions"]]
    while waiting:
        for name, action in waiting.pop().items():
            found[name] = action
            waiting += [action.get("actions", {}), action.get("else", {}).get("actions", {})]
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)


def _vocabulary(definition: Json) -> Iterator[str]:
    for text in _texts({key: definition[key] for key in ("triggers", "actions")}):
        if text.startswith("@") or "@{" in text:
            expressions = [text[1:]] if text.startswith("@") and not text.startswith("@{") else _EXPRESSION.findall(text)
            for expression in expressions:
                for name in sorted(set(_CALL.findall(_TEXT.sub("''", expression))) - FUNCTIONS):
                    yield f"{name}() is not a function that the local stand-in knows"


def _html(definition: Json) -> Iterator[str]:
    """Free text reaches the HTML through a table of format HTML only."""
    every = actions(definition)
    for name, action in every.items():
        if name.endswith("_table") and action["inputs"].get("format") != "HTML":
            yield f"{name} does not escape"
    for expression in _EXPRESSION.findall(every["Mail"]["inputs"]["html"]):
        if not _SAFE.fullmatch(expression):
            yield f"the HTML holds {expression}, which is not escaped"
    for words in every["Words_by_kind"]["inputs"].values():
        for name, text in words.items():
            if name != "subject" and ("@" in text or "<" in text or "&" in text):
                yield f"{name} must be plain words: {text[:60]}"
    for name, part in every["Parts"]["inputs"].items():
        if name.endswith("Html") and re.search(r"outputs\(|triggerBody\(|body\(", _HARMLESS.sub("", part)):
            yield f"{name} holds something that is not escaped"


def _responses(definition: Json) -> Iterator[str]:
    every = actions(definition)
    found = {name: action for name, action in every.items() if action["type"] == "Response"}
    accepted = [name for name, action in found.items() if action["inputs"]["statusCode"] == 202]
    guard = every.get("Accepted", {})
    if accepted != ["Respond_accepted"] or accepted[0] not in guard.get("actions", {}):
        yield "202 belongs behind the question whether the mail service said 202"
    if guard.get("expression") != "@equals(outputs('Send_email')?['statusCode'], 202)":
        yield "only 202 is the mail service's yes"
    for name in found.keys() - set(accepted):
        after = [other for other in every.values() if other["type"] == "Terminate" and name in other["runAfter"]]
        if [other["inputs"]["runStatus"] for other in after] != ["Failed"]:
            yield f"after {name} the run must end as failed"
        if set(after[0]["runAfter"][name]) != {"Succeeded", "Failed", "TimedOut"} if after else False:
            yield f"after {name} the run must end as failed, whether or not the caller still listens"


# What of an action the run history would show of an order. A Compose hides its outputs with its inputs.
HIDDEN = {"Table": {"inputs", "outputs"}, "Http": {"inputs", "outputs"}, "Compose": {"inputs"}, "Response": {"inputs"}}


def _hidden(definition: Json) -> Iterator[str]:
    for name, trigger in definition["triggers"].items():
        if _secured(trigger) != {"outputs"}:
            yield f"{name}: the run history would show the order; secureData must hold outputs"
    for name, action in actions(definition).items():
        wanted = HIDDEN.get(action["type"], set())
        if _secured(action) != wanted:
            yield f"{name}: the run history would show the order; secureData must hold {sorted(wanted)}"


def _secured(owner: Json) -> set[str]:
    return set(owner.get("runtimeConfiguration", {}).get("secureData", {}).get("properties", []))


def _found(definition: Json) -> Iterator[str]:
    """A run is found by the header x-ms-client-tracking-id, as the platform does by itself."""
    for name, trigger in definition["triggers"].items():
        if "correlation" in trigger:
            yield f"{name}: a tracking id of its own would hide the trace that the function sends"


def _time(definition: Json, project: Project) -> Iterator[str]:
    action = actions(definition)["Send_email"]
    policy = action["inputs"]["retryPolicy"]
    tries = policy["count"] + 1
    longest = tries * seconds(action["limit"]["timeout"]) + policy["count"] * seconds(policy["interval"])
    waits = int(rust_settings(project)["FALLBACK_TIMEOUT_MS"] or 0) / 1000
    if not longest + 20 <= min(waits, CALLER_GIVES_UP):
        yield f"sending may take {longest} s, and the function waits {waits:.0f} s: there must be 20 s to spare"


def references(definition: Json, used: dict[str, set[str]]) -> list[str]:
    """Every body('X') and outputs('X') names an action that has run before; the platform checks it at save time."""
    parent: dict[str, str | None] = {}
    after: dict[str, list[str]] = {}

    def walk(block: dict[str, Json], owner: str | None) -> None:
        for name, action in block.items():
            parent[name], after[name] = owner, list(action.get("runAfter", {}))
            walk(action.get("actions", {}), name)
            walk(action.get("else", {}).get("actions", {}), name)

    def before(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        names: set[str] = set()
        for earlier in after.get(name, []):
            if earlier not in seen:
                inner = {nested for nested, owner in parent.items() if owner == earlier}
                names |= {earlier} | inner | before(earlier, seen | {name})
        owner = parent.get(name)
        return names | (before(owner, seen | {name}) if owner else set())

    walk(definition["actions"], None)
    wrong = []
    for name, targets in used.items():
        reachable = {earlier.lower() for earlier in before(name)}
        wrong += [
            f"{name} refers to {target}, which does not run before it" for target in targets if target.lower() not in reachable
        ]
    return wrong
