"""What is right in operation and no type says: how the storefront starts and ends, how the function scales, who is told
of what, and what the switches among the parameters do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .policy import SITE, STORAGE
from .problem import Problem
from .project import Project
from .settings import FUNCTION, WEB, app_settings
from .snapshot import Resource, Snapshot

START = r"cp /home/site/wwwroot/petstore (/tmp/\S+) && chmod \+x \1 && exec \1"
SERVE = "petstore/src/serve.rs"
CARTS = "petstore/src/store/azure.rs"
ALERTS = ("Microsoft.Insights/metricAlerts", "Microsoft.Insights/scheduledQueryRules")


def check(project: Project) -> list[Problem]:
    """All of it."""
    default, switched = project.snapshot(), project.snapshot("everything")
    found = [*_storefront(default, project), *_function(project, switched), *_alerts(default), *_switches(default, switched)]
    found += [*_carts(default, project)]
    found += [*_without_storefront(project.snapshot("no-storefront")), *_regions(project), *_logs(default), *_vnet(project.snapshot("vnet"))]
    return [Problem("infra", 0, message) for message in found]


def _storefront(snapshot: Snapshot, project: Project) -> Iterator[str]:
    site = snapshot.one(SITE, WEB)
    command = str((site.property("siteConfig") or {}).get("appCommandLine"))
    if not re.fullmatch(START, command):
        yield f"the storefront must run from local disk and in place of the shell, not by {command!r}"
    needs = sum(map(int, re.findall(r"const LAST_\w+: Duration = Duration::from_secs\((\d+)\);", project.text(SERVE))))
    limit = int(app_settings(project, WEB).get("WEBSITES_CONTAINER_STOP_TIME_LIMIT", "5"))  # the platform's default
    if not 0 < needs + 2 <= limit <= 120:
        yield f"the storefront takes {needs} s to end, the platform grants {limit}: 2 s to spare, and 120 s at most"
    if site.property("clientAffinityEnabled") is not False:
        yield "the storefront needs no affinity cookie: clientAffinityEnabled"


def _carts(snapshot: Snapshot, project: Project) -> Iterator[str]:
    """Old carts go by themselves; never a mark, which says that an order is still to be sent."""
    days, prefixes = set(), []
    policies = [policy for policy in snapshot.of(f"{STORAGE}/managementPolicies") if policy.owner == "stcrt*"]
    for rule in policies[0].property("policy", "rules") if policies else []:
        definition = rule["definition"]
        days.add(definition["actions"]["baseBlob"]["delete"]["daysAfterModificationGreaterThan"])
        prefixes += definition["filters"].get("prefixMatch", [""])
        if not rule["enabled"] or len(definition["filters"].get("prefixMatch", [])) > 10:
            yield f"{rule['name']}: must be enabled, and has ten prefixes at most"
    if sorted(prefixes) != [f"carts/{digit}" for digit in "0123456789abcdef"] or days != {30}:
        yield f"carts: records go after 30 days, and nothing but records: {prefixes} after {days}"
    source = project.text(CARTS)
    names = {name: (re.search(rf'const {name}: &str = "([^"]+)";', source) or ["", ""])[1] for name in ("CONTAINER", "PENDING")}
    containers = [one.name for one in snapshot.of(f"{STORAGE}/blobServices/containers")]
    if names["CONTAINER"] not in containers or not re.match("[^0-9a-f]", names["PENDING"]):
        yield f"{CARTS} has {names}: the container is one of {containers}, and no mark begins like a record"
    for record in re.findall(r'blob_client\(&format!\("\{(\w+)\}', source):
        if record not in ("name", "PENDING"):
            yield f"{CARTS} names a blob by {record}, of which the lifecycle rule knows nothing"
    endpoint = app_settings(project, WEB).get("PetStoreStorage__blobServiceUri", "")
    if "storageAccounts/stcrt" not in endpoint:
        yield f"the storefront keeps its carts at {endpoint}, not in an account of their own"


def _function(project: Project, switched: Snapshot) -> Iterator[str]:
    scale = project.snapshot().one(SITE, FUNCTION).property("functionAppConfig", "scaleAndConcurrency") or {}
    if f"{scale.get('maximumInstanceCount')} instances" not in project.text("docs/capacity.md"):
        yield f"docs/capacity.md does not know of {scale.get('maximumInstanceCount')} instances"
    if scale.get("alwaysReady"):
        yield "an instance that never sleeps costs money: none by default"
    names = [path.parent.name for path in project.root.glob("*/function.json")]
    awake = switched.one(SITE, FUNCTION).property("functionAppConfig", "scaleAndConcurrency", "alwaysReady") or [{}]
    if [entry.get("name") for entry in awake] != [f"function:{name}" for name in names]:
        yield f"alwaysReady names {awake}; the function is {names}"


def _alerts(snapshot: Snapshot) -> Iterator[str]:
    rules = [rule for type_ in ALERTS for rule in snapshot.of(type_)]
    for rule in rules:
        if rule.property("autoMitigate") is not True or not rule.property("actions"):
            yield f"{rule.name}: must mail, once when it begins and once when it is over"
        if rule.type == ALERTS[1]:
            yield from _periods(rule)
    waiting = snapshot.one(ALERTS[0], "orders-waiting").property("criteria", "allOf") or [{}]
    if waiting[0].get("threshold") != 0:
        yield "orders-waiting: one order that waits is one too many, the function empties the queue in seconds"
    for missing in sorted({"log-cap-reached", "mail-not-delivered"} - {rule.name for rule in rules}):
        yield f"alert {missing} is missing"


def _periods(rule: Resource) -> Iterator[str]:
    for criterion in rule.property("criteria", "allOf") or []:
        if criterion.get("failingPeriods") != {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1}:
            yield f"{rule.name}: failingPeriods must be stated: the first look that finds something"


def _logs(snapshot: Snapshot) -> Iterator[str]:
    for setting in snapshot.of("Microsoft.Insights/diagnosticSettings"):
        if setting.property("metrics"):
            yield f"{setting.scope}: exported metrics cost, and no alert reads them"


def _switches(default: Snapshot, switched: Snapshot) -> Iterator[str]:
    """Off by default; on, they reach everything that they are for."""
    for kind in ("Microsoft.Network/virtualNetworks", "Microsoft.Authorization/locks", "Microsoft.Consumption/budgets"):
        if (len(default.of(kind)), len(switched.of(kind))) != (0, 1):
            yield f"{kind}: none by default, one when switched on"
    closed = [*switched.of(STORAGE), *switched.of("Microsoft.ServiceBus/namespaces")]
    for resource in closed:
        if resource.property("publicNetworkAccess") != "Disabled":
            yield f"{resource.name}: still public in a network of its own"
    connections = [
        connection["properties"]["privateLinkServiceId"]
        for endpoint in switched.of("Microsoft.Network/privateEndpoints")
        for connection in endpoint.property("privateLinkServiceConnections")
    ]
    if sorted(connections) != sorted(resource.raw["id"] for resource in closed):
        yield f"private endpoints lead to {connections}"
    for site, subnet in ((FUNCTION, "function"), (WEB, "storefront")):
        given = str(switched.one(SITE, site).property("virtualNetworkSubnetId"))
        if f"/subnets/{subnet}" not in given:
            yield f"{site} does not go out through the subnet {subnet}: {given}"
    for resource in [*default.of(STORAGE), *default.of("Microsoft.ServiceBus/namespaces"), *default.of(SITE)]:
        if resource.property("publicNetworkAccess") == "Disabled" or resource.property("virtualNetworkSubnetId"):
            yield f"{resource.name}: private by default"
    mailbox = switched.of("Microsoft.Insights/actionGroups")[0].property("emailReceivers")[0]["emailAddress"]
    orders = switched.of("Microsoft.Logic/workflows")[0].property("parameters", "recipients", "value")[0]["address"]
    if (mailbox, orders) != ("alerts@example.com", "you@example.com"):
        yield f"alerts go to {mailbox}, orders to {orders}"


def _vnet(snapshot: Snapshot) -> Iterator[str]:
    """With a bus of tier Standard only storage is private."""
    endpoints = [endpoint.name for endpoint in snapshot.of("Microsoft.Network/privateEndpoints")]
    if sorted(endpoints) != ["pep-stfn*", "pep-stord*"]:
        yield f"a network beside a Standard bus has private endpoints {endpoints}"
    if snapshot.one(STORAGE, "stcrt*").property("publicNetworkAccess") != "Enabled":
        yield "the storefront is not in the network, and would not reach its carts"
    (bus,) = snapshot.of("Microsoft.ServiceBus/namespaces")
    if bus.property("publicNetworkAccess") != "Enabled" or snapshot.one(SITE, WEB).property("virtualNetworkSubnetId"):
        yield "a Standard bus has no private endpoints: it and the storefront stay public"


def _without_storefront(snapshot: Snapshot) -> Iterator[str]:
    left = [site.name for site in snapshot.of(SITE)]
    if left != [FUNCTION] or len(snapshot.of("Microsoft.Web/serverfarms")) != 1:
        yield f"without a storefront there is no plan for it: {left}"
    for type_, name in ((ALERTS[1], "storefront-cannot-publish"), (ALERTS[1], "carts-storage-unreachable")):
        if snapshot.one(type_, name).property("criteria"):
            yield "an alert on a storefront that is not there"
    if any(account.name == "stcrt*" for account in snapshot.of(STORAGE)):
        yield "an account for the carts of a storefront that is not there"
    for name in ("SERVICE_PETSTORE_NAME", "PETSTORE_URL"):
        if snapshot.outputs.get(name) != "":
            yield f"output {name} without a storefront: {snapshot.outputs.get(name)}"


def _regions(project: Project) -> Iterator[str]:
    location = project.template["parameters"]["location"]
    if not {"westeurope", "northeurope", "eastus2"} <= set(location.get("allowedValues", [])):
        yield "location: azd must ask about regions with Flex Consumption only"
    if location["metadata"]["azd"] != {"type": "location"}:
        yield "location: azd must know that it is one"
