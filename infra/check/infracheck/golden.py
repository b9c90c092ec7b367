"""Writes infra/logicapp/golden.json: what the official engine makes of each request, for a stand-in to be held against.

`just infra-check golden` writes it, a test compares it. One vector: the request, the mail service's answer, and then the
response, how the run ends, and the request to the mail service, or null.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from . import contract
from .engine import PARAMETERS, Engine, Json, engine
from .project import Project
from .requests import REFUSED
from .scenarios import SCENARIOS, Scenario, play

FILE = "infra/logicapp/golden.json"
REFUSED_STATUS = 400  # the platform's answer to a request that does not fit the trigger's schema
_LONGEST = 20_000


def vectors(project: Project, official: Engine) -> dict[str, Any]:
    """The content of the file."""
    fixtures = [Scenario(f"fixture {name}", body) for name, body in contract.fixtures(project).items()]
    played = [_vector(scenario, official, project.definition) for scenario in [*SCENARIOS, *fixtures] if scenario.golden]
    refused = [{"name": name, "request": body, "status": REFUSED_STATUS} for name, body in REFUSED if len(str(body)) < _LONGEST]
    return {
        "comment": "Made by the official workflow engine: just infra-check golden. Do not edit.",
        "parameters": PARAMETERS,
        "runs": played,
        "refused": refused,
    }


def _vector(scenario: Scenario, official: Engine, definition: Json) -> dict[str, Any]:
    run, _ = play(scenario, official, definition)
    call = run.calls[0] if run.calls else None
    answer = scenario.service(call) if call else None
    return {
        "name": scenario.name,
        "request": scenario.request,
        "mailService": answer and {"status": answer.code, "body": answer.body, "noAnswer": answer.status or None},
        "response": run.response,
        "end": run.end,
        "mail": call and {key: call[key] for key in ("method", "uri", "headers", "body")},
    }


def text(project: Project, official: Engine) -> str:
    """The file as it must be."""
    return json.dumps(vectors(project, official), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Writes it."""
    project = Project()
    path = project.path(FILE)
    path.write_text(text(project, engine()), encoding="utf-8")
    print(f"{FILE}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
