"""The fixtures are what `src/fallback/logic_app/` writes; whether the trigger takes them is for the engine to say."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterator
from typing import Any

from .problem import Problem
from .project import Project

_STRUCT = re.compile(r"struct (\w+)(?:<'a>)? \{(.*?)\n\}", re.DOTALL)
_FIELD = re.compile(r"(#\[serde\(skip_serializing_if[^\]]*\]\s*)?(?:pub\S* )?(\w+): ([^,]+),")
RUST = ("src/fallback/logic_app/request.rs", "src/fallback/logic_app/shown.rs")


def check(project: Project) -> list[Problem]:
    """Every fixture: fields, operation id, and what goes with what."""
    structs = fields(project)
    found = fixtures(project)
    problems = [Problem(name, 0, message) for name, body in found.items() for message in _fixture(body, structs)]
    for kind in {"notConfirmed", "contradictory", "unreadable"} - {body["failure"]["kind"] for body in found.values()}:
        problems.append(Problem("infra/check/fixtures", 0, f"no fixture for {kind}"))
    return problems


def fixtures(project: Project) -> dict[str, Any]:
    """The fixtures by their names."""
    paths = sorted(project.path("infra/check/fixtures").glob("*.json"))
    names = [path.relative_to(project.root).as_posix() for path in paths]
    return {name: project.json(name) for name in names}


def fields(project: Project) -> dict[str, dict[str, bool]]:
    """Of each struct the names in JSON, and whether they may be left out."""
    found = {}
    text = "\n".join(project.text(name) for name in RUST)
    for name, body in _STRUCT.findall(re.sub(r"///.*", "", text)):
        found[name] = {_camel(field): bool(skipped) for skipped, field, _ in _FIELD.findall(body)}
    return found


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def _fixture(body: dict[str, Any], structs: dict[str, dict[str, bool]]) -> Iterator[str]:
    yield from _keys(body, structs["FallbackRequest"], "the request")
    yield from _keys(body["failure"], structs["Failure"], "failure")
    yield from _keys(body["body"], structs["Body"], "body")
    yield from _keys(body["shown"], structs["Shown"], "shown")
    for product in body["shown"]["products"]:
        yield from _keys(product, structs["Product"], "a product")
    if body["failure"]["stored"] is not None:
        yield from _keys(body["failure"]["stored"], structs["StoredPlace"], "stored")
    data = base64.b64decode(body["body"]["data"])
    if operation_id(body["failure"], data) != body["operationId"]:
        yield "operationId is not the UUID v5 of number, time and message id"
    if len(data) != body["body"]["length"]:
        yield "body: data and length do not fit"
    unreadable = body["failure"]["kind"] == "unreadable"
    if unreadable and (body["failure"]["attempts"] != 0 or body["failure"]["blobName"] is not None):
        yield "what is no order was not uploaded"


def operation_id(failure: dict[str, Any], data: bytes) -> str:
    """As `operation_id` in Rust; `data`: the message, which counts when one of the three is missing."""
    number, time, message = failure["sequenceNumber"], failure["enqueuedTime"], failure["messageId"] or ""
    name = f"{'' if number is None else number}\n{time or ''}\n{len(message.encode())}\n{message}"
    if number is None or time is None or not message:
        name += data.decode()
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def _keys(given: dict[str, Any], known: dict[str, bool], where: str) -> Iterator[str]:
    for key in sorted(given.keys() - known.keys()):
        yield f"{where}: the function sends no {key}"
    for key in sorted(name for name, optional in known.items() if not optional and name not in given):
        yield f"{where}: the function always sends {key}"
