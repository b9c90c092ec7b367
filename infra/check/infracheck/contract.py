"""The fixtures are what `src/fallback/logic_app.rs` writes; whether the trigger takes them is for the engine to say."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterator
from typing import Any

from .problem import Problem
from .project import Project

_STRUCT = re.compile(r"struct (\w+)<'a> \{(.*?)\n\}", re.DOTALL)
_FIELD = re.compile(r"(#\[serde\(skip_serializing_if[^\]]*\]\s*)?(?:pub\S* )?(\w+): ([^,]+),")
RUST = "src/fallback/logic_app.rs"


def check(project: Project) -> list[Problem]:
    """Every fixture: fields, operation id, and what goes with what."""
    structs = fields(project)
    found = fixtures(project)
    problems = [Problem(name, 0, message) for name, body in found.items() for message in _fixture(body, structs)]
    forms = {"order" if "order" in body else body["rawBody"]["encoding"] for body in found.values()}
    for form in {"order", "utf-8", "base64"} - forms:
        problems.append(Problem("infra/check/fixtures", 0, f"no fixture for {form}"))
    return problems


def fixtures(project: Project) -> dict[str, Any]:
    """The fixtures by their names."""
    paths = sorted(project.path("infra/check/fixtures").glob("*.json"))
    names = [path.relative_to(project.root).as_posix() for path in paths]
    return {name: project.json(name) for name in names}


def fields(project: Project) -> dict[str, dict[str, bool]]:
    """Of each struct the names in JSON, and whether they may be left out."""
    found = {}
    for name, body in _STRUCT.findall(re.sub(r"///.*", "", project.text(RUST))):
        found[name] = {_camel(field): bool(skipped) for skipped, field, _ in _FIELD.findall(body)}
    return found


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def _fixture(body: dict[str, Any], structs: dict[str, dict[str, bool]]) -> Iterator[str]:
    yield from _keys(body, structs["FallbackRequest"], "the request")
    yield from _keys(body["failure"], structs["FailureBody"], "failure")
    if ("order" in body) == ("rawBody" in body):
        yield "either order or rawBody"
    message = body["failure"]["messageId"]
    if message is not None and str(uuid.uuid5(uuid.NAMESPACE_OID, message)) != body["operationId"]:
        yield "operationId is not the UUID v5 of the message id"
    raw = body.get("rawBody")
    if raw is not None:
        yield from _keys(raw, structs["RawBody"], "rawBody")
        data = base64.b64decode(raw["data"]) if raw["encoding"] == "base64" else raw["data"].encode()
        if len(data) > 256 * 1024 or raw["truncated"] != (len(data) < raw["length"]):
            yield "rawBody: data, length and truncated do not fit"
        if body["failure"]["attempts"] != 0 or body["failure"]["blobName"] is not None:
            yield "what is no order was not uploaded"


def _keys(given: dict[str, Any], known: dict[str, bool], where: str) -> Iterator[str]:
    for key in sorted(given.keys() - known.keys()):
        yield f"{where}: the function sends no {key}"
    for key in sorted(name for name, optional in known.items() if not optional and name not in given):
        yield f"{where}: the function always sends {key}"
