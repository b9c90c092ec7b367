"""azure.yaml: its form, and that Bicep and justfile have what it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import yaml
from jsonschema import Draft202012Validator

from .problem import Problem
from .project import CHECK, Project

FILE = "azure.yaml"
# service: (host, module, what is packaged for it)
SERVICES = {
    "reserver": ("function", "infra/modules/function.bicep", "dist/function"),
    "petstore": ("appservice", "infra/modules/web.bicep", "dist/petstore"),
}


def check(project: Project) -> list[Problem]:
    """Form first; the rest only when that is right."""
    try:
        content = yaml.safe_load(project.text(FILE))
    except yaml.YAMLError as error:
        return [Problem(FILE, 0, str(error).replace("\n", " "))]
    schema = json.loads((CHECK / "schemas" / "azure.yaml.schema.json").read_text(encoding="utf-8"))
    errors = sorted(Draft202012Validator(schema).iter_errors(content), key=lambda error: error.json_path)
    if errors:
        return [Problem(FILE, 0, f"{error.json_path}: {error.message}") for error in errors]
    return [*_services(content["services"], project), *_hook(content["hooks"]["prepackage"]["posix"]["run"], project)]


def _services(services: dict[str, dict[str, str]], project: Project) -> Iterator[Problem]:
    for name in sorted(set(services) ^ set(SERVICES)):
        yield Problem(FILE, 0, f"service {name} is unexpected or missing")
    for name, (host, module, dist) in SERVICES.items():
        given = services.get(name, {})
        if (given.get("host"), given.get("dist")) != (host, dist):
            yield Problem(FILE, 0, f"service {name}: expected host {host} and dist {dist}")
        if f"'azd-service-name': '{name}'" not in project.text(module):
            yield Problem(module, 0, f"no tag azd-service-name with the value {name}: azd would not find it")
    if "'azd-env-name': environmentName" not in project.main.text:
        yield Problem(project.main.name, 0, "no tag azd-env-name")


def _hook(run: str, project: Project) -> Iterator[Problem]:
    recipe = re.fullmatch(r"just ([\w-]+)", run)
    if not recipe or not re.search(rf"(?m)^{recipe[1]}\b.*:(?!=)", project.text("justfile")):
        yield Problem(FILE, 0, f"prepackage runs `{run}`, which is no recipe of the justfile")
