"""Refreshes `infra/check/types/` from Microsoft's own Bicep types: `just infra-refresh`.

They come out of a program in an npm package that prints the newest version of a resource type; it is asked for the
types that `infra/` uses. Types marked as hand-written are left alone: that program does not carry them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from .project import CHECK, Project

PACKAGE = "@azure/mcp-linux-x64@2.0.5"
TYPES = CHECK / "types"
_NAME = re.compile(r"\w+")


def main() -> int:
    """Writes one file for each used type; 1 when there is one that nobody knows."""
    used = {resource.type for file in Project().bicep.values() for resource in file.resources}
    with tempfile.TemporaryDirectory() as scratch:
        program = _unpack(Path(scratch))
        missing = [type_ for type_ in sorted(used) if not _refresh(type_, program)]
    for path in TYPES.glob("*.json"):
        if json.loads(path.read_text(encoding="utf-8"))["resource"] not in used:
            path.unlink()
            print(f"removed {path.name}: not used any more")
    for type_ in missing:
        print(f"NO TYPES for {type_}: write {file_name(type_)} by hand")
    return 1 if missing else 0


def file_name(type_: str) -> str:
    """Where the type of a resource is kept."""
    return type_.replace("/", "_") + ".json"


def _unpack(folder: Path) -> Path:
    subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    program = folder / "package" / "dist" / "azmcp"
    program.chmod(0o755)
    return program


def _refresh(type_: str, program: Path) -> bool:
    path = TYPES / file_name(type_)
    if path.exists() and json.loads(path.read_text(encoding="utf-8"))["source"].startswith("hand-written"):
        return True
    command = [str(program), "bicepschema", "get", "--resource-type", type_]
    environment = {**os.environ, "AZURE_MCP_COLLECT_TELEMETRY": "false"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout
    try:
        reply = json.loads(answer)
    except ValueError:
        return False
    if reply.get("status") != 200:
        return False
    path.write_text(render(compact(type_, reply["results"]["BicepSchemaResult"])), encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size} bytes", file=sys.stderr)
    return True


def compact(type_: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Drops descriptions, functions, and what the resource cannot reach."""
    resource = next(entry for entry in entries if entry["$type"] == "Resource")
    objects = {entry["name"]: entry for entry in entries if entry["$type"] == "Object"}
    body = resource["bodyType"]
    variants = body.get("elements")
    root = {
        "resource": type_,
        "apiVersion": resource["name"].partition("@")[2],
        "source": f"npm {PACKAGE}",
        "properties": None if variants else _properties(body),
        "variants": {_variant(v): _properties(v) for v in variants} if variants else None,
    }
    types: dict[str, Any] = {}
    waiting = [root["properties"], *(root["variants"] or {}).values()]
    while waiting:
        for name in sorted({n for n in _NAME.findall(json.dumps(waiting.pop())) if n in objects and n not in types}):
            additional = objects[name].get("additionalPropertiesType")
            types[name] = {"additional": additional, "properties": _properties(objects[name])}
            waiting.append(types[name])
    return {**root, "types": dict(sorted(types.items()))}


def _variant(element: dict[str, Any]) -> str:
    return str(next(p["type"] for p in element["properties"] if p["name"] == "name"))


def _properties(entry: dict[str, Any]) -> dict[str, list[str]]:
    """name: [type, flags, limits]."""
    listed = entry.get("properties") or []
    return {p["name"]: [p["type"], p.get("flags") or "", p.get("modifiers") or ""] for p in listed}


def render(snapshot: dict[str, Any]) -> str:
    """JSON with a line for each property, so that a refresh can be reviewed."""
    text = json.dumps(snapshot, indent=1, sort_keys=False)
    one_line = re.sub(
        r"\[\s+(\"(?:[^\"\\]|\\.)*\"),\s+(\"(?:[^\"\\]|\\.)*\"),\s+(\"(?:[^\"\\]|\\.)*\")\s+\]", r"[\1, \2, \3]", text
    )
    return one_line + "\n"


if __name__ == "__main__":
    sys.exit(main())
