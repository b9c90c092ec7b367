"""Who may do what where, against a fixed table; and no secret, key or anonymous access anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .problem import Problem
from .project import Project
from .syntax import Deployed, Expression, File, Literal, named, text

ROLES = {
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Azure Service Bus Data Sender": "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
    "Azure Service Bus Data Receiver": "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
    "Azure Service Bus Data Owner": "090c5cfd-751d-490a-894a-3ce6f1109419",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Communication and Email Service Owner": "09976791-48a7-449e-bb21-39d1a415f350",
}

# Every role assignment there is: role, scope, to whom.
ASSIGNMENTS = {
    "hostRole": ("Storage Blob Data Owner", "host", "reserverPrincipalId"),
    "ordersRole": ("Storage Blob Data Contributor", "orders::blob::container", "reserverPrincipalId"),
    "ordersUserRole": ("Storage Blob Data Contributor", "orders", "userPrincipalId"),
    "senderRole": ("Azure Service Bus Data Sender", "namespace::queue", "senderPrincipalId"),
    "receiverRole": ("Azure Service Bus Data Receiver", "namespace", "receiverPrincipalId"),
    "userRole": ("Azure Service Bus Data Owner", "namespace", "userPrincipalId"),
    "publisher": ("Monitoring Metrics Publisher", "appInsights", "publisherPrincipalId"),
    "sendRole": ("Communication and Email Service Owner", "communication", "workflow.identity.principalId"),
}

# What keeps keys, passwords and plain HTTP out: module, resource, property, value.
HARDENED: list[tuple[str, str, str, object]] = [
    ("storage", "host", "allowSharedKeyAccess", False),
    ("storage", "host", "allowBlobPublicAccess", False),
    ("storage", "host", "supportsHttpsTrafficOnly", True),
    ("storage", "orders", "allowSharedKeyAccess", False),
    ("storage", "orders", "allowBlobPublicAccess", False),
    ("storage", "orders", "supportsHttpsTrafficOnly", True),
    ("servicebus", "namespace", "disableLocalAuth", True),
    ("email", "communication", "disableLocalAuth", True),
    ("monitoring", "appInsights", "DisableLocalAuth", True),
    ("function", "app", "httpsOnly", True),
    ("web", "app", "httpsOnly", True),
]

_GUID = re.compile(r"'([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})'")
_SECRET = re.compile(r"\blist\w*\(|getSecret\(|AccountKey=|SharedAccess\w*=|InstrumentationKey|[?&]sig=", re.IGNORECASE)
_COMMENT = re.compile(r"(?<!:)//.*")


def check(project: Project) -> list[Problem]:
    """Roles and secrets in all Bicep files."""
    problems = [problem for file in project.bicep.values() for problem in (*_roles(file), *_secrets(file))]
    given = {r.symbol for file in project.bicep.values() for r in _assignments(file)}
    for symbol in sorted(set(ASSIGNMENTS) - given):
        problems.append(Problem("infra", 0, f"role assignment {symbol} is missing"))
    return [*problems, *_hardened(project), *_trigger(project)]


def _assignments(file: File) -> list[Deployed]:
    return [resource for resource in file.resources if resource.type == "Microsoft.Authorization/roleAssignments"]


def _roles(file: File) -> Iterator[Problem]:
    for role in _GUID.findall(file.text):
        if role not in ROLES.values():
            yield Problem(file.name, 0, f"{role} is not on the list of known role ids")
    for resource in _assignments(file):
        expected = ASSIGNMENTS.get(resource.symbol)
        given = (_role(resource, file), _source(resource, "scope"), _source(resource, "properties", "principalId"))
        if given != expected:
            yield Problem(file.name, resource.line, f"{resource.symbol} gives {given}; the table says {expected}")


def _source(resource: Deployed, *path: str) -> str:
    value = resource.body.at(*path)
    return text(value.node) if isinstance(value, Expression) else ""


def _role(resource: Deployed, file: File) -> str | None:
    """The name of the role that subscriptionResourceId(type, variable) refers to."""
    value = resource.body.at("properties", "roleDefinitionId")
    arguments = named(named(value.node)[-1]) if isinstance(value, Expression) else []
    variable = file.variables.get(text(arguments[-1])) if arguments else None
    id_ = variable.value.value if variable and isinstance(variable.value, Literal) else None
    return next((name for name, known in ROLES.items() if known == id_), None)


def _secrets(file: File) -> Iterator[Problem]:
    for number, source in enumerate(file.text.splitlines(), start=1):
        for found in _SECRET.findall(_COMMENT.sub("", source)):
            yield Problem(file.name, number, f"a secret would get into the template or its outputs: {found}")


def _hardened(project: Project) -> Iterator[Problem]:
    for module, symbol, name, expected in HARDENED:
        file = project.bicep[f"infra/modules/{module}.bicep"]
        resource = file.resource(symbol)
        value = resource.body.at("properties", name) if resource else None
        if not isinstance(value, Literal) or value.value is not expected:
            yield Problem(file.name, resource.line if resource else 0, f"{symbol}: {name} must be {expected}")
    for module in ("function", "web"):
        file = project.bicep[f"infra/modules/{module}.bicep"]
        policies = [r for r in file.resources if r.type.endswith("/basicPublishingCredentialsPolicies")]
        allowed = [p.body.at("properties", "allow") for p in policies]
        if [a.value for a in allowed if isinstance(a, Literal)] != [False, False]:
            yield Problem(file.name, 0, "both basicPublishingCredentialsPolicies must be closed: scm and ftp")


def _trigger(project: Project) -> Iterator[Problem]:
    """The type of accessControl lags behind, so Bicep's types say nothing of it."""
    file = project.bicep["infra/modules/fallback.bicep"]
    flat = re.sub(r"\s+", " ", _COMMENT.sub("", file.text))
    if "sasAuthenticationPolicy: { state: 'Disabled' }" not in flat:
        yield Problem(file.name, 0, "the trigger must refuse signatures: sasAuthenticationPolicy")
    policies = re.findall(r"type: 'AAD' claims: \[(.*?)\]", flat)
    if not policies:
        yield Problem(file.name, 0, "the trigger has no Entra policy")
    for claims in policies:
        for claim, value in (("iss", "issuer"), ("aud", r"\w+.*?audience|audience"), ("oid", "callerPrincipalId")):
            if not re.search(rf"name: '{claim}', value: (?:{value})", claims):
                yield Problem(file.name, 0, f"an Entra policy without the claim {claim}: somebody else could get in")
