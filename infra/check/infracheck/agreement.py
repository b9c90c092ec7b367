"""What is written in several places and must be the same, or must fit: names, times, flags, words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .problem import Problem
from .project import Project
from .settings import FUNCTION, app_settings, rust_settings, trigger

QUEUE = "infra/modules/servicebus.bicep"
RECORD = "petstore/src/record.rs"
# Who logs what the alerts on the storefront look for.
STOREFRONT = ("petstore/src/outbox/waiting.rs", "petstore/src/web/views.rs")
LOCK_MAX = 5 * 60  # seconds, in Service Bus
_ISO = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")
_RUST_SECONDS = r"pub const {}: Duration = Duration::from_secs\((\d+) \* (\d+)\);"


def check(project: Project) -> list[Problem]:
    """All of it."""
    return [*_names(project), *_sessions(project), *_queue(project), *_duplicates(project), *_times(project), *_fallback(project), *_words(project)]


def seconds(value: str) -> int:
    """Of an ISO 8601 duration (PT5M) or a .NET time span (00:05:00)."""
    found = _ISO.match(value)
    if found:
        days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    else:
        days, (hours, minutes, rest) = 0, (int(part) for part in value.split(":"))
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def _default(project: Project, name: str) -> object:
    return project.template.get("parameters", {}).get(name, {}).get("defaultValue")


def _same(what: str, **places: object) -> Iterator[Problem]:
    if len({repr(value) for value in places.values()}) > 1:
        yield Problem("infra", 0, f"{what}: " + ", ".join(f"{place} says {value!r}" for place, value in places.items()))


def _names(project: Project) -> Iterator[Problem]:
    local = project.json("local.settings.json")["Values"]
    yield from _same("queue", bicep=_default(project, "queueName"), local=local.get(trigger(project)[1]))
    yield from _same(
        "container",
        bicep=_default(project, "ordersContainerName"),
        local=local.get("ORDERS_CONTAINER"),
        rust=rust_settings(project).get("ORDERS_CONTAINER"),
    )
    binary = project.json("host.json")["customHandler"]["description"]["defaultExecutablePath"]
    ignored = project.text(".funcignore").splitlines()
    if binary in ignored or "host.json" in ignored or "OrderItemsReserver" in ignored:
        yield Problem(".funcignore", 0, "the function app itself would be left out")
    crate = re.search(r'(?m)^name = "([\w-]+)"', project.text("Cargo.toml"))
    yield from _same("binary", host=binary, cargo=crate[1] if crate else None)


def _sessions(project: Project) -> Iterator[Problem]:
    binding = project.json("OrderItemsReserver/function.json")["bindings"][0]
    wanted = bool(binding.get("isSessionsEnabled", False))
    yield from _same("sessions", function=wanted, bicep=_default(project, "requiresSession"))
    bus = project.json("host.json")["extensions"]["serviceBus"]
    if bus.get("maxConcurrentSessions", 8) < bus["maxConcurrentCalls"] or seconds(bus.get("sessionIdleTimeout", "00:01:00")) > 5:
        yield Problem("host.json", 0, "with sessions: as many at a time as calls; and a finished session holds its place for 5 s at most")
    given = {name: _queue_property(project, "requiresSession", name) for name in ("default", "sessions")}
    if given != {"default": False, "sessions": True}:
        yield Problem(QUEUE, 0, f"the queue does not take requiresSession from its parameter: {given}")


def _queue_property(project: Project, name: str, parameters: str = "default") -> object:
    (queue,) = project.snapshot(parameters).of("Microsoft.ServiceBus/namespaces/queues")
    return queue.property(name)


def _queue(project: Project) -> Iterator[Problem]:
    expected: dict[str, object] = {
        "requiresDuplicateDetection": True,
        "enablePartitioning": False,
        "maxDeliveryCount": 10,
        "deadLetteringOnMessageExpiration": True,
    }
    for name, value in expected.items():
        given = _queue_property(project, name)
        if given != value or type(given) is not type(value):
            yield Problem(QUEUE, 0, f"{name} is {given!r}; the design says {value!r}")


def _duplicates(project: Project) -> Iterator[Problem]:
    """A request of the storefront that got no answer may arrive late, with an id that the queue has to know still. The
    claim of who sent it bounds how late, and clocks may differ."""
    window = seconds(str(_queue_property(project, "duplicateDetectionHistoryTimeWindow")))
    record = project.text(RECORD)
    found = [re.search(rf"const {name}: i64 = ([\d_]+);", record) for name in ("CLAIM_MAX_MS", "SKEW_MS")]
    needs = sum(int(match[1].replace("_", "")) for match in found if match) / 1000
    if not all(found) or not needs < window <= 7 * 24 * 3600:
        yield Problem(QUEUE, 0, f"duplicates are detected for {window} s; {RECORD} relies on {needs:g} s, and the queue allows 7 days")


def _times(project: Project) -> Iterator[Problem]:
    host, rust = project.json("host.json"), project.text("src/config.rs")
    function = seconds(host.get("functionTimeout", "00:30:00"))  # the default on Flex Consumption
    renewal = seconds(host["extensions"]["serviceBus"]["maxAutoLockRenewalDuration"])
    lock = seconds(str(_queue_property(project, "lockDuration")))
    for name, given in (("FUNCTION_TIMEOUT", function), ("LOCK_RENEWAL_MAX", renewal), ("LOCK", lock)):
        found = re.search(_RUST_SECONDS.format(name), rust)
        yield from _same(name, host=given, rust=int(found[1]) * int(found[2]) if found else None)
    batch = re.search(r"pub const BATCH_MAX: usize = (\d+);", rust)
    given = host["extensions"]["serviceBus"].get("maxMessageBatchSize", 1000)  # the extension's own
    most = int(batch[1]) if batch else 0
    if not 1 <= given <= most:  # smaller batches couple less, and are an operator's choice
        yield Problem("host.json", 0, f"BATCH_MAX: host says {given}, the handler takes 1 to {most} messages of full length")
    if not function <= lock:
        yield Problem(QUEUE, 0, f"no lock is renewed for a batch: lockDuration is {lock} s, functionTimeout {function} s")
    if not lock <= LOCK_MAX:
        yield Problem(QUEUE, 0, f"lockDuration is {lock} s; Service Bus allows {LOCK_MAX}")
    if not max(function, lock) <= renewal:
        yield Problem("host.json", 0, f"locks are renewed for {renewal} s, but an invocation may take {function} s")
    if "retry" in host or host["extensions"]["serviceBus"].get("clientRetryOptions"):
        yield Problem("host.json", 0, "retries belong in one layer, and that is the handler")


def _fallback(project: Project) -> Iterator[Problem]:
    """The trigger's address, and the parameters of the definition."""
    (trigger_name,) = project.definition["triggers"]
    path = f"/triggers/{trigger_name}/paths/invoke?api-version=2016-10-01"
    if path not in app_settings(project, FUNCTION).get("FALLBACK_URL", ""):
        yield Problem("infra/modules/fallback.bicep", 0, f"the trigger's URL must end in {path}")
    if not project.json("local.settings.json")["Values"]["FALLBACK_URL"].endswith(path):
        yield Problem("local.settings.json", 0, f"FALLBACK_URL must end in {path}")
    workflow = project.snapshot().one("Microsoft.Logic/workflows", "logic-fallback-*")
    declared = sorted(project.definition["parameters"])
    yield from _same("workflow parameters", bicep=sorted(workflow.property("parameters") or {}), definition=declared)
    if workflow.property("definition") != project.definition:
        yield Problem("infra/modules/fallback.bicep", 0, "another definition than logicapp/fallback.definition.json is deployed")


def queries(project: Project) -> dict[str, str]:
    """The log alerts: name and query."""
    rules = project.snapshot().of("Microsoft.Insights/scheduledQueryRules")
    return {rule.name: rule.property("criteria")["allOf"][0]["query"] for rule in rules}


def _words(project: Project) -> Iterator[Problem]:
    """An alert looks for words that function or storefront write; a mail names metadata that the function writes."""
    asked = "\n".join(queries(project).values())
    words = re.findall(r'traces \| where message has "([^"]+)"', asked)
    if not words or any(f"{word}: " not in project.text("src/fallback.rs") for word in words):
        yield Problem("infra/modules/alerts.bicep", 0, f"no such words in src/fallback.rs: {words}")
    said = "\n".join(map(project.text, STOREFRONT))
    words = re.findall(r'ResultDescription has "([^"]+)"', asked)
    missing = [word for word in words if not re.search(rf'(?:warn|error)!\([^;]*"[^"]*{word}', said)]
    if not words or missing:
        yield Problem("infra/modules/alerts.bicep", 0, f"no such words in {', '.join(STOREFRONT)}: {missing or 'none'}")
    mail, store = project.text("infra/logicapp/fallback.definition.json"), project.text("src/store/azure/metadata.rs")
    for word in re.findall(r'metadata \\"(\w+)\\"', mail):
        if f'"{word}"' not in store:
            yield Problem("infra/logicapp/fallback.definition.json", 0, f"the function writes no metadata {word}")
