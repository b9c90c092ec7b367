"""The security lint: checkov, offline, with every exception written down and justified."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .problem import Problem
from .project import CHECK
from .snapshot import short

EXCEPTIONS = CHECK / "lint-exceptions.yaml"


def report(snapshot: dict[str, Any]) -> dict[str, Any]:
    """What checkov says of the resources of a snapshot: final names and values, whatever module they come from."""
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        # A site's settings are `config` as well, and the lint would look there for what only `web` has.
        "resources": [entry for entry in snapshot["predictedResources"] if entry["type"] != "Microsoft.Web/sites/config"],
    }
    command = [str(Path(sys.executable).with_name("checkov")), "--framework", "arm", "--skip-download", "--output", "json"]
    # OpenSSL 1.1 is for the .NET runtime only; no colour, no analytics.
    environment = {key: value for key, value in os.environ.items() if key not in ("LD_LIBRARY_PATH", "DOTNET_ROOT")}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "template.json").write_text(json.dumps(template, indent=1), encoding="utf-8")
        command += ["--file", str(Path(folder) / "template.json")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(found: dict[str, Any], exceptions: list[dict[str, Any]]) -> list[Problem]:
    """Findings without an exception, exceptions without a finding, and files that checkov could not read."""
    allowed = {(entry["check"], place) for entry in exceptions for place in entry["at"]}
    failed = {(entry["check_id"], _place(entry)): entry["check_name"] for entry in found["results"]["failed_checks"]}
    problems = [Problem("infra", 0, f"{id_} at {place}: {failed[id_, place]}") for id_, place in sorted(set(failed) - allowed)]
    stale = [Problem(EXCEPTIONS.name, 0, f"{id_} at {place} is not found any more") for id_, place in sorted(allowed - set(failed))]
    return [*problems, *stale, *_unread(found), *_unjustified(exceptions)]


def exceptions() -> list[dict[str, Any]]:
    """The file of exceptions."""
    entries: list[dict[str, Any]] = yaml.safe_load(EXCEPTIONS.read_text(encoding="utf-8"))
    return entries


def _place(entry: dict[str, Any]) -> str:
    """stord*: the short name."""
    return short(entry["resource"].partition(".")[2].partition(".")[2])


def _unread(found: dict[str, Any]) -> Iterator[Problem]:
    if found["summary"]["parsing_errors"] or found["summary"]["passed"] < 30:
        yield Problem("infra", 0, f"the lint did not read all files: {found['summary']}")


def _unjustified(exceptions: list[dict[str, Any]]) -> Iterator[Problem]:
    for entry in exceptions:
        if len(entry.get("reason", "")) < 20:
            yield Problem(EXCEPTIONS.name, 0, f"{entry['check']}: why?")
