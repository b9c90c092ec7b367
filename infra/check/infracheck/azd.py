"""azure.yaml: its form, and that Bicep and justfile have what it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import yaml
from jsonschema import Draft202012Validator

from .problem import Problem
from .project import CHECK, Project

FILE, PARAMETERS = "azure.yaml", "infra/main.parameters.json"
# service: (host, site, what is packaged for it)
SERVICES = {
    "reserver": ("function", "func-reserver-*", "dist/function"),
    "petstore": ("appservice", "app-petstore-*", "dist/petstore"),
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
    found = [*_services(content["services"], project), *_parameters(project)]
    return [*found, *_hook(content["hooks"]["prepackage"]["posix"]["run"], project)]


def _services(services: dict[str, dict[str, str]], project: Project) -> Iterator[Problem]:
    for name in sorted(set(services) ^ set(SERVICES)):
        yield Problem(FILE, 0, f"service {name} is unexpected or missing")
    snapshot = project.snapshot()
    for name, (host, site, dist) in SERVICES.items():
        given = services.get(name, {})
        if (given.get("host"), given.get("dist")) != (host, dist):
            yield Problem(FILE, 0, f"service {name}: expected host {host} and dist {dist}")
        if snapshot.one("Microsoft.Web/sites", site).at("tags", "azd-service-name") != name:
            yield Problem("infra", 0, f"{site} has no tag azd-service-name with the value {name}: azd would not find it")
    for group in snapshot.of("Microsoft.Resources/resourceGroups"):
        if group.at("tags", "azd-env-name") != "petstore-demo":
            yield Problem("infra", 0, "the resource group has no tag azd-env-name")


def _parameters(project: Project) -> Iterator[Problem]:
    """Each is one that the template takes, and comes from a variable of the azd environment."""
    given: dict[str, dict[str, object]] = project.json(PARAMETERS)["parameters"]
    for name in sorted(given.keys() - project.template["parameters"].keys()):
        yield Problem(PARAMETERS, 0, f"{name} is no parameter of main.bicep")
    required = {name for name, definition in project.template["parameters"].items() if "defaultValue" not in definition}
    for name in sorted(required - given.keys()):
        yield Problem(PARAMETERS, 0, f"cannot be set with azd env set: {name}")


def _hook(run: str, project: Project) -> Iterator[Problem]:
    recipe = re.fullmatch(r"just ([\w-]+)", run)
    if not recipe or not re.search(rf"(?m)^{recipe[1]}\b.*:(?!=)", project.text("justfile")):
        yield Problem(FILE, 0, f"prepackage runs `{run}`, which is no recipe of the justfile")
