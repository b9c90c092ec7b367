"""Setting names: the same in Rust, the README, local.settings.json and Bicep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .problem import Problem
from .project import Project

# Read by the Functions host, not by us.
HOST = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
}
HOST_LOCAL = {
    "AzureWebJobsStorage",
    "FUNCTIONS_WORKER_RUNTIME",
    "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath",
}
IDENTITY = ("__fullyQualifiedNamespace", "__credential", "__clientId")
# Left at their defaults in Azure, or set by the host.
NOT_DEPLOYED = {
    "FUNCTIONS_CUSTOMHANDLER_PORT",
    "OrdersStorage",
    "AZURE_CLIENT_ID",
    "UPLOAD_ATTEMPT_TIMEOUT_MS",
    "UPLOAD_BACKOFF_BASE_MS",
    "FALLBACK_TIMEOUT_MS",
    "BATCH_SESSIONS_AT_ONCE",
}
WEB_PLATFORM = {"PORT", "WEBSITES_PORT", "WEBSITES_CONTAINER_STOP_TIME_LIMIT", "SCM_DO_BUILD_DURING_DEPLOYMENT", "RUST_LOG"}
# Where the storefront keeps its carts, by an identity.
PETSTORE = {"PetStoreStorage__blobServiceUri", "PetStoreStorage__credential", "PetStoreStorage__clientId"}
FUNCTION, WEB = "func-reserver-*", "app-petstore-*"

_CONSTANT = re.compile(r'const (\w+): &str = "([^"]+)";')
_ENTRY = re.compile(r'\(\s*(\w+),\s*(?:Some\("([^"]*)"\)|None),?\s*\)')
_ROW = re.compile(r"^\| `(\w+)` \| (?:`([^`]*)`|–) \|", re.MULTILINE)


def check(project: Project) -> list[Problem]:
    """Every place where a setting is named."""
    rust = rust_settings(project)
    return [*_readme(project, rust), *_local(project, rust), *_function(project, rust), *_web(project)]


def rust_settings(project: Project) -> dict[str, str | None]:
    """Name and default of every setting in `config::SETTINGS`."""
    source = project.text("src/config.rs")
    # Names that every program of ours reads alike are with the reader.
    constants = dict(_CONSTANT.findall(project.text("azure-app/src/settings.rs") + source))
    table = source.partition("pub const SETTINGS")[2].partition("];")[0]
    return {constants[name]: default or None for name, default in _ENTRY.findall(table)}


def app_settings(project: Project, site: str) -> dict[str, Any]:
    """The application settings of a site."""
    return dict(project.snapshot().one("Microsoft.Web/sites/config", "appsettings", owner=site).at("properties") or {})


def trigger(project: Project) -> tuple[str, str]:
    """The names in function.json: of the connection and of the setting that holds the queue's name."""
    binding = project.json("OrderItemsReserver/function.json")["bindings"][0]
    return binding["connection"], binding["queueName"].strip("%")


def _readme(project: Project, rust: dict[str, str | None]) -> Iterator[Problem]:
    section = project.text("README.md").partition("## Settings")[2].partition("\n## ")[0]
    table = {name: default or None for name, default in _ROW.findall(section)}
    for name in sorted(set(rust) | set(table)):
        if name not in table or name not in rust or table[name] != rust[name]:
            says = f"{table.get(name, 'nothing')!r}; config.rs: {rust.get(name, 'nothing')!r}"
            yield Problem("README.md", 0, f"setting {name}: the table has {says}")
    for name in trigger(project):
        if f"`{name}`" not in section:
            yield Problem("README.md", 0, f"the trigger's setting {name} is not mentioned")


def _local(project: Project, rust: dict[str, str | None]) -> Iterator[Problem]:
    name = "local.settings.json"
    given = set(project.json(name)["Values"])
    needed = {setting for setting, default in rust.items() if default is None and "__" not in setting}
    optional = {"FALLBACK_TOKEN_SCOPE", "FALLBACK_CLIENT_ID", "AZURE_CLIENT_ID"}
    needed = needed - optional | set(trigger(project))
    yield from _compare(name, given, needed, given & set(rust) | HOST_LOCAL | needed)


def _function(project: Project, rust: dict[str, str | None]) -> Iterator[Problem]:
    given = set(app_settings(project, FUNCTION))
    needed = set(rust) - NOT_DEPLOYED | HOST | _trigger_in_azure(project)
    yield from _compare(FUNCTION, given, needed, needed)


def _web(project: Project) -> Iterator[Problem]:
    given = set(app_settings(project, WEB))
    needed = _trigger_in_azure(project) | WEB_PLATFORM | PETSTORE
    yield from _compare(WEB, given, needed, needed)


def _trigger_in_azure(project: Project) -> set[str]:
    connection, queue = trigger(project)
    return {connection + suffix for suffix in IDENTITY} | {queue}


def _compare(place: str, given: set[str], needed: set[str], allowed: set[str]) -> Iterator[Problem]:
    for setting in sorted(needed - given):
        yield Problem(place, 0, f"setting {setting} is missing")
    for setting in sorted(given - allowed):
        yield Problem(place, 0, f"setting {setting}: nobody reads it, or it must not be set here")
