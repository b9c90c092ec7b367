"""azure.yaml, its hooks, the parameters that the azd environment sets, and the workflow that deploys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import tree_sitter_powershell
import yaml
from jsonschema import Draft202012Validator
from tree_sitter import Language, Node, Parser

from .problem import Problem
from .project import CHECK, Project

FILE, PARAMETERS = "azure.yaml", "infra/main.parameters.json"
PIPELINE, CI = ".github/workflows/azure-dev.yml", ".github/workflows/ci.yml"
# service: (host, site, what is packaged for it)
SERVICES = {
    "reserver": ("function", "func-reserver-*", "dist/function"),
    "petstore": ("appservice", "app-petstore-*", "dist/petstore"),
}
# Set by azd itself, or asked by it.
OF_AZD = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_PRINCIPAL_ID", "AZURE_PRINCIPAL_TYPE"}
OIDC = {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
_VARIABLE = re.compile(r"\$\{(\w+)(?:=([^}]*))?\}")
_POWERSHELL = Parser(Language(tree_sitter_powershell.language()))


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
    found = [*_services(content["services"], project), *_hooks(content, project), *_powershell(project)]
    return [*found, *_parameters(project), *_pipeline(content["pipeline"], project), *_ci(project)]


def _services(services: dict[str, dict[str, Any]], project: Project) -> Iterator[Problem]:
    for name in sorted(set(services) ^ set(SERVICES)):
        yield Problem(FILE, 0, f"service {name} is unexpected or missing")
    snapshot = project.snapshot()
    for name, (host, site, dist) in SERVICES.items():
        given = services.get(name, {})
        if (given.get("host"), given.get("dist")) != (host, dist):
            yield Problem(FILE, 0, f"service {name}: expected host {host} and dist {dist}")
        if ("condition" in given) != (name == "petstore"):
            yield Problem(FILE, 0, "azd must leave out the storefront, and nothing else, where it is not deployed")
        if snapshot.one("Microsoft.Web/sites", site).at("tags", "azd-service-name") != name:
            yield Problem("infra", 0, f"{site} has no tag azd-service-name with the value {name}: azd would not find it")
    for group in snapshot.of("Microsoft.Resources/resourceGroups"):
        if group.at("tags", "azd-env-name") != "petstore-demo":
            yield Problem("infra", 0, "the resource group has no tag azd-env-name")


def _hooks(content: dict[str, Any], project: Project) -> Iterator[Problem]:
    hooks = dict(content["hooks"]) | content["services"].get("reserver", {}).get("hooks", {})
    for missing in sorted({"prepackage", "postdown", "predeploy", "postdeploy"} - hooks.keys()):
        yield Problem(FILE, 0, f"hook {missing} is missing")
    for name, hook in hooks.items():
        for system, ending in (("posix", ".sh"), ("windows", ".ps1")):
            run = hook[system]["run"]
            if run.startswith("infra/") and (not run.endswith(ending) or not project.path(run).exists()):
                yield Problem(FILE, 0, f"{name} for {system} runs {run}, which is no such script")
            elif run.startswith("infra/") and system == "posix" and not project.path(run).stat().st_mode & 0o100:
                yield Problem(run, 0, "is not executable")


def _powershell(project: Project) -> Iterator[Problem]:
    """PowerShell is on few machines that build this: its scripts are parsed at least, and do what the others do."""
    scripts = sorted(project.path("infra/hooks").glob("*.ps1"))
    for path in scripts:
        name = path.relative_to(project.root).as_posix()
        for node in _wrong(_POWERSHELL.parse(project.text(name).encode()).root_node):
            yield Problem(name, node.start_point[0] + 1, "is no PowerShell")
    build, other = project.text("infra/hooks/prepackage.ps1"), project.text("infra/package.sh")
    for name in sorted(set(re.findall(r"(?:\$built/|\s)(order-items-reserver|petstore|host\.json|OrderItemsReserver/function\.json)", other))):
        if name not in build:
            yield Problem("infra/hooks/prepackage.ps1", 0, f"does not lay out {name}, as package.sh does")
    if not re.search(r"func azure functionapp publish \$env:SERVICE_RESERVER_NAME --custom", project.text("infra/hooks/postdeploy.ps1")):
        yield Problem("infra/hooks/postdeploy.ps1", 0, "Core Tools must publish: azd sets no executable bit on Windows")


def _wrong(node: Node) -> Iterator[Node]:
    if node.type == "ERROR" or node.is_missing:
        yield node
    for child in node.children if node.has_error else ():
        yield from _wrong(child)


def variables(project: Project) -> dict[str, tuple[str, str]]:
    """Of each parameter: the variable of the azd environment, and what it is without."""
    given = project.json(PARAMETERS)["parameters"]
    found = {name: _VARIABLE.fullmatch(str(entry["value"])) for name, entry in given.items()}
    return {name: (match[1], match[2] or "") for name, match in found.items() if match}


def _parameters(project: Project) -> Iterator[Problem]:
    """Every one can be set with `azd env set`, and is what the template says when it is not."""
    template, given = project.template["parameters"], variables(project)
    for name in sorted(given.keys() - template.keys()):
        yield Problem(PARAMETERS, 0, f"{name} is no parameter of main.bicep")
    for name in sorted(template.keys() - given.keys()):
        yield Problem(PARAMETERS, 0, f"cannot be set with azd env set: {name}")
    for name in sorted(template.keys() & given.keys()):
        default = template[name].get("defaultValue", "")
        written = str(default).lower() if isinstance(default, bool) else str(default)
        if given[name][1] != written:
            yield Problem(PARAMETERS, 0, f"{name}: {given[name][1]!r} here, {written!r} in main.bicep")


def _pipeline(pipeline: dict[str, list[str]], project: Project) -> Iterator[Problem]:
    """`azd pipeline config` hands over what the workflow reads, and the workflow reads all of it."""
    wanted = {variable for variable, _ in variables(project).values()} - OF_AZD
    listed = {*pipeline["variables"], *pipeline.get("secrets", [])}
    for name in sorted(wanted ^ listed):
        yield Problem(FILE, 0, f"pipeline: {name} is in one of parameters and pipeline, not in both")
    text = project.text(PIPELINE)
    workflow = yaml.safe_load(text)
    job = workflow["jobs"]["deploy"]
    for name in sorted(pipeline["variables"] + sorted({"AZURE_ENV_NAME", "AZURE_LOCATION"} | OIDC)):
        if job["env"].get(name) != f"${{{{ vars.{name} }}}}":
            yield Problem(PIPELINE, 0, f"does not hand over {name}")
    if pipeline.get("secrets") or "secrets." in text:
        yield Problem(PIPELINE, 0, "there is no secret to hand over: identities open everything")
    if workflow["permissions"] != {"id-token": "write", "contents": "read"}:
        yield Problem(PIPELINE, 0, "OIDC takes the permission id-token: write, and nothing takes more")
    steps = "\n".join(step.get("run", "") for step in job["steps"])
    order = [steps.find(step) for step in ("azd auth login", "azd provision", "azd package --all", "azd deploy --all")]
    if order != sorted(order) or -1 in order or "for attempt in" not in steps:
        yield Problem(PIPELINE, 0, "must sign in, provision, package, and deploy with a retry, in this order")
    if any("azd deploy" in step.get("run", "") and step.get("env") != {"FIRST_UPLOAD": "1"} for step in job["steps"]):
        yield Problem(PIPELINE, 0, "retries itself: without FIRST_UPLOAD the hook uploads a second time in each fresh checkout")
    for step in job["steps"]:
        if "functions-action" in step.get("uses", "").lower():
            yield Problem(PIPELINE, 0, "Azure/functions-action drops the executable bit of the handler")


def _ci(project: Project) -> Iterator[Problem]:
    text = project.text(CI)
    for step in ("az bicep build --file infra/main.bicep", "az bicep lint --file infra/main.bicep", "azd package --all"):
        if step not in text:
            yield Problem(CI, 0, f"does not run {step}")
