"""What happens to a request: the answer it gets, how the run ends, what is in the mail."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .engine import Engine, Json
from .requests import BARE, EVERYWHERE, GUEST, HOSTILE, ORDER, REFUSED, changed, poison
from .workflow import Answer, Run

Mail = dict[str, str]


def accepts(call: Json) -> Answer:
    """The mail service's yes."""
    return Answer(202, {"id": call["headers"]["Operation-Id"], "status": "Running"})


def refuses(code: int) -> Callable[[Json], Answer]:
    """Any other answer of the mail service."""
    return lambda _: Answer(code, {"error": {"code": "X"}})


def silent(status: str) -> Callable[[Json], Answer]:
    """No answer: TimedOut, or Failed for want of a connection."""
    return lambda _: Answer(None, status=status)


@dataclass(frozen=True)
class Scenario:
    """A request, what the mail service does, and what must come of it. `mail`: texts in HTML and plain text."""

    name: str
    request: Json
    service: Callable[[Json], Answer] = accepts
    status: int = 202
    html: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    golden: bool = True

    @property
    def end(self) -> str:
        """How the run must end, so that the alert on failed runs sees it."""
        return "Succeeded" if self.status == 202 else "Failed"


UNKNOWN, EMPTY = "unknown form", "<p>The cart is empty.</p>"
ESCAPED = "&lt;b&gt;Kong &amp; &quot;Ball&quot; &#39;x&#39;&lt;/b&gt;&lt;script&gt;"
RAW = ("<script", "<b>", "acs-x.europe")
POISON = poison("{not json")
CUT = "gICA" * 21846
NO_IDS: dict[str, Any] = {
    f"failure__{n}": None for n in ("sessionId", "messageId", "sequenceNumber", "enqueuedTime", "deliveryCount")
}

SCENARIOS = [
    Scenario("order", ORDER, html=(
        "not confirmed as stored", "A late write may still have landed", "<td>Ball</td><td>2</td>", "B&#252;rste",
        "68FAE9B1D86B794F0AE0ADD35A437428.json", "<td>Sequence number</td><td>8412</td>", "2026-05-04T09:30:10Z", "503 ServerBusy",
        "photoURL", "What to do next", "<td>Customer</td><td>customer@example.com</td>", "b7ad6b7169203331"),
        plain=("could not be confirmed as stored", "\n1,Ball,2", "\n2,Bürste 🐕,1", "Sequence number: 8412\n", '"photoURL"', "1. Look at"),
        absent=(UNKNOWN, EMPTY)),
    Scenario("order, mail service 429", ORDER, refuses(429), 503),
    Scenario("order, mail service 401", ORDER, refuses(401), 502),
    Scenario("order, mail service 400", ORDER, refuses(400), 502),
    Scenario("order, mail service 500", ORDER, refuses(500), 502),
    Scenario("order, mail service 200, which is not its yes", ORDER, refuses(200), 502),
    Scenario("order, mail service redirects", ORDER, refuses(302), 502),
    Scenario("order, mail service does not answer", ORDER, silent("TimedOut"), 502),
    Scenario("order, mail service cannot be reached", ORDER, silent("Failed"), 502),
    Scenario("guest cart: products and email null", GUEST, html=(
        "<td>Customer</td><td>a guest</td>", "&quot;products&quot;:null", EMPTY), plain=("The cart is empty.", "Trace: none")),
    Scenario("names, ids, quantities null", changed(order__products=[
        {"id": 1, "name": None, "quantity": 2}, {"id": None, "name": None, "quantity": None}]),
        html=("<tr><td>1</td><td></td><td>2</td></tr><tr><td></td><td></td><td></td></tr>",), plain=("\n1,,2",)),
    Scenario("names, ids, quantities missing", changed(order__products=[{}]), html=("<tr><td></td><td></td><td></td></tr>",)),
    Scenario("products empty", changed(order__products=[]), html=(EMPTY,)),
    Scenario("products missing", changed(order__products=...), html=(EMPTY,)),
    Scenario("products an object", changed(order__products={"a": 1}), html=(UNKNOWN, "{&quot;a&quot;:1}"), plain=(UNKNOWN,)),
    Scenario("products of texts", changed(order__products=["[x", "y"]), html=(UNKNOWN, "[x"), plain=(UNKNOWN,)),
    Scenario("products a text", changed(order__products="[x"), html=(UNKNOWN, "[x")),
    Scenario("products of lists", changed(order__products=[[1], [2]]), html=(UNKNOWN,)),
    Scenario("order an empty object", changed(order={}), html=("<td>{}</td>", EMPTY)),
    Scenario("only the required fields", BARE, html=("<td>Session</td><td>S-1</td>", "<td>File</td><td>none</td>")),
    Scenario("hostile text in one product", changed(order__products=[{"id": 1, "name": HOSTILE, "quantity": 1}]),
             html=(ESCAPED, "@{guid()} @parameters("), plain=("@{guid()}",), absent=RAW),
    Scenario("hostile text everywhere", EVERYWHERE, html=(ESCAPED, "@{guid()} @parameters("), absent=RAW),
    Scenario("commas, quotes and lines in a name", changed(order__products=[{"id": 1, "name": 'a, "b"\nc', "quantity": 1}]),
             html=("a, &quot;b&quot;\nc",), plain=('1,"a, ""b""\nc",1',)),
    Scenario("line breaks in the session id", changed(failure__sessionId="S-1\r\nBcc: evil@example.com")),
    Scenario("numbers keep their digits", changed(order__products=[{"id": 9007199254740993, "name": "1.10", "quantity": 1}]),
             html=("9007199254740993", "1.10")),
    Scenario("poison: text", POISON, html=(
        "could not be read as an order", "{not json", "unreadable order: not JSON", "utf-8, 9 bytes in all",
        "<td>Upload attempts</td><td>0</td>"), plain=("{not json\n", "utf-8, 9 bytes in all"), absent=("The products", UNKNOWN, EMPTY)),
    Scenario("poison: base64, truncated", poison("gICA", "base64", 262144, True), html=(
        "gICA", "base64, 262144 bytes in all, only the beginning")),
    Scenario("poison: as long as it may be", poison(CUT, "base64", 262144, True), html=(CUT,), plain=(CUT,), golden=False),
    Scenario("poison: empty body, no ids", poison("", **NO_IDS), html=(
        "utf-8, 0 bytes in all", "<td>Message</td><td>" + str(ORDER["operationId"]), "<td>Session</td><td>unknown</td>")),
    Scenario("poison: hostile text", poison(HOSTILE), html=(ESCAPED,), absent=RAW),
    Scenario("poison, mail service 429", POISON, refuses(429), 503),
    Scenario("poison, mail service 401", POISON, refuses(401), 502),
    Scenario("rendering fails", changed(failure=...), status=500, golden=False),
]  # fmt: skip


def play(scenario: Scenario, engine: Engine, definition: Json) -> tuple[Run, list[str]]:
    """The run, and all that is wrong with it."""
    schema = definition["triggers"]["manual"]["inputs"]["schema"]
    problems = [] if scenario.status == 500 else [f"schema: {e}" for e in engine.body_errors(schema, scenario.request)]
    run = Run(engine, definition, scenario.request, scenario.service)
    got = (run.response or {}).get("statusCode")
    if (got, run.end) != (scenario.status, scenario.end):
        problems.append(f"{got} and run {run.end}; expected {scenario.status} and {scenario.end}; {run.notes}")
    if got == 503 and not run.response["headers"].get("Retry-After"):
        problems.append("503 without Retry-After")
    if len(run.calls) != (0 if scenario.status == 500 else 1):
        problems.append(f"{len(run.calls)} mails")
    for call in run.calls:
        problems += _mail(call["body"]["content"], scenario)
    return run, problems


def _mail(mail: Mail, scenario: Scenario) -> list[str]:
    problems = [f"the HTML lacks {t[:80]!r}" for t in scenario.html if t not in mail["html"]]
    problems += [f"the plain text lacks {t[:80]!r}" for t in scenario.plain if t not in mail["plainText"]]
    problems += [f"the HTML has {t!r}" for t in scenario.absent if t in mail["html"]]
    if "\r" in mail["subject"] or "\n" in mail["subject"]:
        problems.append("a line break in the subject")
    free = [value for value in scenario.request["failure"].values() if isinstance(value, str)]
    for text in [*free, scenario.request["operationId"]]:  # nothing of what the function says may be lost
        if text not in html.unescape(mail["html"]) or text not in mail["plainText"]:
            problems.append(f"the mail lacks {text[:80]!r}")
    return problems


def refused(engine: Engine, definition: Json) -> list[str]:
    """Requests that the trigger takes though it must not."""
    schema = definition["triggers"]["manual"]["inputs"]["schema"]
    return [f"taken: {name}" for name, body in REFUSED if not engine.body_errors(schema, body)]
