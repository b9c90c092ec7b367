"""Who may do what where, against a fixed table; and no secret, key or anonymous access anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .problem import Problem
from .project import Project
from .snapshot import Resource, Snapshot, short

ROLES = {
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Azure Service Bus Data Sender": "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
    "Azure Service Bus Data Owner": "090c5cfd-751d-490a-894a-3ce6f1109419",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Communication and Email Service Owner": "09976791-48a7-449e-bb21-39d1a415f350",
}

# Every role assignment there is: role, on what, to whom. A star is what makes a name unique.
ASSIGNMENTS = {
    ("Storage Blob Data Owner", "stfn*", "id-reserver-*"),
    ("Storage Blob Data Contributor", "orders", "id-reserver-*"),  # the container, not the account
    ("Storage Blob Data Contributor", "stord*", "operator"),
    ("Storage Blob Data Contributor", "carts", "id-petstore-*"),  # the container: no orders, and nobody else's carts
    ("Azure Service Bus Data Sender", "order-items", "id-petstore-*"),
    ("Azure Service Bus Data Owner", "order-items", "id-reserver-*"),  # to read its length; not on the namespace
    ("Azure Service Bus Data Owner", "sb-*", "operator"),
    ("Monitoring Metrics Publisher", "appi-*", "id-reserver-*"),
    ("Communication and Email Service Owner", "acs-*", "logic-fallback-*"),
}
CALLER = "id-fallback-*"
OPERATOR = "11111111-1111-1111-1111-111111111111"  # principalId in the parameter sets

STORAGE, SITE = "Microsoft.Storage/storageAccounts", "Microsoft.Web/sites"
ACCOUNTS = ("stfn*", "stord*", "stcrt*")
# What keeps keys, passwords and plain HTTP out: type, name, property, value.
HARDENED: list[tuple[str, str, str, object]] = [
    *((STORAGE, account, "allowSharedKeyAccess", False) for account in ACCOUNTS),
    *((STORAGE, account, "allowBlobPublicAccess", False) for account in ACCOUNTS),
    *((STORAGE, account, "supportsHttpsTrafficOnly", True) for account in ACCOUNTS),
    ("Microsoft.ServiceBus/namespaces", "sb-*", "disableLocalAuth", True),
    ("Microsoft.Communication/communicationServices", "acs-*", "disableLocalAuth", True),
    ("Microsoft.Insights/components", "appi-*", "DisableLocalAuth", True),
    *((SITE, site, "httpsOnly", True) for site in ("func-reserver-*", "app-petstore-*")),
]

# Values of which Azure knows more than the compiler, which takes any text there: type, property, what is right here.
VALUES: list[tuple[str, tuple[str, ...], tuple[object, ...]]] = [
    (STORAGE, ("properties", "minimumTlsVersion"), ("TLS1_2",)),
    ("Microsoft.ServiceBus/namespaces", ("properties", "minimumTlsVersion"), ("1.2",)),
    ("Microsoft.OperationalInsights/workspaces", ("properties", "sku", "name"), ("PerGB2018",)),
    ("Microsoft.Communication/emailServices/domains", ("properties", "domainManagement"), ("AzureManaged",)),
    ("Microsoft.Insights/scheduledQueryRules", ("properties", "severity"), (0, 1, 2, 3, 4)),
    ("Microsoft.Web/serverfarms", ("sku", "name"), ("FC1", "F1", "B1", "S1", "P0v3")),
]
FLEX: list[tuple[tuple[str, ...], str]] = [
    (("deployment", "storage", "type"), "blobContainer"),
    (("deployment", "storage", "authentication", "type"), "UserAssignedIdentity"),
    (("runtime", "name"), "custom"),
]

# All that a site of Flex Consumption may set there; deployment fails on what its type allows beyond.
FLEX_SITE_CONFIG = {"minTlsVersion"}

_GUID = re.compile(r"'([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})'")
_SECRET = re.compile(r"\blist\w*\(|getSecret\(|AccountKey=|SharedAccess\w*=|InstrumentationKey|[?&]sig=", re.IGNORECASE)
_COMMENT = re.compile(r"(?<!:)//.*")
_CLIENT = re.compile(r"\[reference\('([^']+)', '[^']+'\)\.clientId\]")
_IDENTITY = re.compile(r"\[reference\('([^']+)', '[^']+'(?:, 'full'\)\.identity)?\)?\.principalId\]")


def check(project: Project) -> list[Problem]:
    """Roles and secrets of everything that is deployed."""
    if problems := [*_ids(project), *_secrets(project)]:
        return problems
    snapshot = project.snapshot()
    found = [*_roles(snapshot), *_hardened(snapshot), *_values(snapshot), *_flex(snapshot), *_trigger(snapshot)]
    return [Problem("infra", 0, message) for message in found]


def _ids(project: Project) -> Iterator[Problem]:
    for name in project.sources:
        if name.endswith(".bicep"):
            for role in sorted(set(_GUID.findall(project.text(name))) - set(ROLES.values())):
                yield Problem(name, 0, f"{role} is not on the list of known role ids")


def _roles(snapshot: Snapshot) -> Iterator[str]:
    given = [_assignment(resource) for resource in snapshot.of("Microsoft.Authorization/roleAssignments")]
    yield from _roleless(given)
    for role, scope, principal in sorted(set(given) - ASSIGNMENTS):
        yield f"{principal} gets {role} on {scope}; the table does not say so"
    for role, scope, principal in sorted(ASSIGNMENTS - set(given)):
        yield f"{principal} lacks {role} on {scope}, which the table gives it"
    for resource in snapshot.of("Microsoft.Authorization/roleAssignments"):
        kind = "User" if resource.property("principalId") == OPERATOR else "ServicePrincipal"
        if resource.property("principalType") != kind:
            yield f"{_assignment(resource)}: principalType must be {kind}, or a fresh identity is looked for in vain"


def _roleless(given: list[tuple[str, str, str]]) -> Iterator[str]:
    """The token shown to the Logic App is one for Azure Resource Manager: a role would make it worth stealing."""
    for role, scope, who in given:
        if who == CALLER:
            yield f"{CALLER} must have no role at all, and gets {role} on {scope}"


def _assignment(resource: Resource) -> tuple[str, str, str]:
    id_ = str(resource.property("roleDefinitionId")).rpartition("/")[2]
    role = next((name for name, known in ROLES.items() if known == id_), id_)
    return role, resource.scope, principal(str(resource.property("principalId")))


def principal(value: str) -> str:
    """Whose principal id an expression is."""
    found = _IDENTITY.fullmatch(value)
    return short(found[1]) if found else "operator" if value == OPERATOR else value


def _secrets(project: Project) -> Iterator[Problem]:
    """In no expression: what a deployment holds, every Reader of the group reads."""
    for name in project.sources:
        for number, source in enumerate(project.text(name).splitlines() if name.endswith(".bicep") else (), start=1):
            for found in _SECRET.findall(_COMMENT.sub("", source)):
                yield Problem(name, number, f"a secret would get into the template or its outputs: {found}")


def _hardened(snapshot: Snapshot) -> Iterator[str]:
    for type_, name, key, expected in HARDENED:
        if snapshot.one(type_, name).property(key) is not expected:
            yield f"{name}: {key} must be {expected}"
    for site in snapshot.of(SITE):
        policies = snapshot.of(f"{SITE}/basicPublishingCredentialsPolicies")
        closed = {policy.name for policy in policies if policy.owner == site.name and policy.property("allow") is False}
        if closed != {"scm", "ftp"}:
            yield f"{site.name}: both basicPublishingCredentialsPolicies must be closed: scm and ftp"


def _values(snapshot: Snapshot) -> Iterator[str]:
    for type_, path, allowed in VALUES:
        for resource in snapshot.of(type_):
            yield from _value(resource, path, allowed)


def _value(resource: Resource, path: tuple[str, ...], allowed: tuple[object, ...]) -> Iterator[str]:
    if (value := resource.at(*path)) not in allowed:
        yield f"{resource}: {'.'.join(path)} is {value!r}, must be one of {', '.join(map(str, allowed))}"


def _flex(snapshot: Snapshot) -> Iterator[str]:
    site = snapshot.one(SITE, "func-reserver-*")
    for path, wanted in FLEX:
        yield from _value(site, ("properties", "functionAppConfig", *path), (wanted,))
    config = site.property("siteConfig") or {"siteConfig": None}
    for name in sorted(set(config) - FLEX_SITE_CONFIG):
        yield f"Flex Consumption refuses siteConfig.{name}"


def _trigger(snapshot: Snapshot) -> Iterator[str]:
    """The type of accessControl lags behind, so the compiler says nothing of it."""
    workflow = snapshot.one("Microsoft.Logic/workflows", "logic-fallback-*")
    if workflow.property("accessControl", "triggers", "sasAuthenticationPolicy", "state") != "Disabled":
        yield "the trigger must refuse signatures: sasAuthenticationPolicy"
    policies = workflow.property("accessControl", "triggers", "openAuthenticationPolicies", "policies") or {}
    callers = set()
    for name, policy in policies.items():
        claims = {claim["name"]: claim["value"] for claim in policy["claims"]}
        if set(claims) != {"iss", "aud", "oid"} or policy["type"] != "AAD":
            yield f"the Entra policy {name} must name issuer, audience and object id: somebody else could get in"
            continue
        if not claims["iss"].startswith("https://sts.windows.net/") or "environment().resourceManager" not in claims["aud"]:
            yield f"the Entra policy {name} takes tokens of {claims['iss']} for {claims['aud']}"
        callers.add(principal(claims["oid"]))
    if callers != {CALLER, "operator"}:
        yield f"the trigger lets in {sorted(callers)}"
    settings = snapshot.one(f"{SITE}/config", "appsettings", owner="func-reserver-*").at("properties") or {}
    shown = _CLIENT.fullmatch(settings.get("FALLBACK_CLIENT_ID", ""))
    if not shown or short(shown[1]) != CALLER:
        yield f"the function's token for the trigger must be of {CALLER}, which has no role"
