"""What happens to a request: the answer it gets, how the run ends, what is in the mail."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .engine import Engine, Json
from .requests import BARE, CONTRADICTORY, EVERYWHERE, EXACT_BYTES, GUEST, HOSTILE, ORDER, REFUSED, body, changed, generated, poison
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
NO_LIST, MORE = "no list of products", "There are more"
CODE = '<div class="code">'
ESCAPED = "&lt;b&gt;Kong &amp; &quot;Ball&quot; &#39;x&#39;&lt;/b&gt;&lt;script&gt;"
RAW = ("<script", "<b>", "acs-x.europe")
POISON = poison("{not json")
NO_IDS: dict[str, Any] = {
    f"failure__{n}": None
    for n in ("sessionId", "messageId", "sequenceNumber", "enqueuedTime", "deliveryCount", "putCommand", "showCommand")
}

SCENARIOS = [
    Scenario("order", ORDER, html=(
        "An order may not be stored", "A late write may still have landed", "<td>1</td><td>Ball</td><td>2</td>", "B&#252;rste",
        "68FAE9B1D86B794F0AE0ADD35A437428.json, 196 bytes", "<td>Sequence number</td><td>8412</td>", "2026-05-04T09:30:10Z",
        "503 ServerBusy", "12.50", "What to do", "<td>Customer</td><td>customer@example.com</td>", "0af7651916cd43dd8448eb211c80319c",
        "by hand", CODE), plain=(
        "could not be confirmed", "\n1,Ball,2", "\n2,Bürste 🐕,1", "Sequence number: 8412\n", "12.50", "1. When the storage"),
        absent=(UNKNOWN, EMPTY, NO_LIST, MORE, "The two orders")),
    Scenario("order, mail service 429", ORDER, refuses(429), 503),
    Scenario("order, mail service 401", ORDER, refuses(401), 502),
    Scenario("order, mail service 400", ORDER, refuses(400), 502),
    Scenario("order, mail service 500", ORDER, refuses(500), 502),
    Scenario("order, mail service 200, which is not its yes", ORDER, refuses(200), 502),
    Scenario("order, mail service redirects", ORDER, refuses(302), 502),
    Scenario("order, mail service does not answer", ORDER, silent("TimedOut"), 502),
    Scenario("order, mail service cannot be reached", ORDER, silent("Failed"), 502),
    Scenario("guest cart", GUEST, html=("<td>Customer</td><td>not named</td>", EMPTY), plain=("The cart is empty.", "Trace: none")),
    Scenario("no names, ids, quantities", changed(shown__products=[{"id": "1", "name": "", "quantity": "2"}, {"id": "", "name": "", "quantity": ""}]),
        html=("<tr><td>1</td><td></td><td>2</td></tr><tr><td></td><td></td><td></td></tr>",), plain=("\n1,,2",)),
    Scenario("products missing", changed(shown__products=[], shown__productList="absent"), html=(NO_LIST,), plain=(NO_LIST,)),
    Scenario("products of an unknown form", changed(shown__products=[], shown__productList="odd"), html=(UNKNOWN,), plain=(UNKNOWN,)),
    Scenario("more products than are shown", changed(shown__productList="cut"), html=(MORE, "<td>Ball</td>"), plain=(MORE,)),
    Scenario("the beginning of a long order", changed(shown__textIsCut=True), html=("12.50} …",), plain=("12.50} …",)),
    Scenario("only the required fields", BARE, html=("<td>Session</td><td>unknown</td>", "<td>none</td>")),
    Scenario("hostile text in one product", changed(shown__products=[{"id": "1", "name": HOSTILE, "quantity": "1"}]),
             html=(ESCAPED, "@{guid()} @parameters("), plain=("@{guid()}",), absent=RAW),
    Scenario("hostile text everywhere", EVERYWHERE, html=(ESCAPED, "@{guid()} @parameters("), absent=RAW),
    Scenario("commas, quotes and lines in a name", changed(shown__products=[{"id": "1", "name": 'a, "b"\nc', "quantity": "1"}]),
             html=("a, &quot;b&quot;\nc",), plain=('1,"a, ""b""\nc",1',)),
    Scenario("line breaks in the session id", changed(failure__sessionId="S-1\r\nBcc: evil@example.com")),
    Scenario("numbers keep their digits", changed(
        shown__products=[{"id": "1754563833779314822", "name": "1.10", "quantity": "1e400"}], failure__sequenceNumber=9007199254740993),
        html=("1754563833779314822", "1.10", "1e400", "9007199254740993"), plain=("9007199254740993",)),
    Scenario("contradictory", CONTRADICTORY, html=(
        "Nobody can tell which order is newer", "The two orders", "<td>8420</td><td>8412</td>", "<td>2026-05-04T09:29:10Z</td><td>2026-05-04T09:30:10Z</td>",
        "<td>68FAE9B1-6</td><td>68FAE9B1-7</td>", "never go by the number alone", "replaces exactly that"),
        plain=("Stored: number 8420, accepted 2026-05-04T09:29:10Z", "Attached: number 8412", "never go by the number alone"),
        absent=("by hand",)),
    Scenario("contradictory, little known", changed(CONTRADICTORY, failure__stored={"modifiedTime": "2026-05-04T09:31:00Z"}),
             html=("<td>not known</td><td>8412</td>", "<td>2026-05-04T09:31:00Z</td><td>never</td>")),
    Scenario("contradictory, the stored order not named", changed(CONTRADICTORY, failure__stored=None), html=("<td>not known</td><td>8412</td>",)),
    Scenario("poison: text", POISON, html=(
        "could not be read as an order", "{not json", "unreadable order: not JSON", "68FAE9B1-7.txt, 9 bytes",
        "<td>Upload attempts</td><td>0</td>", "--session=SESSION"), plain=("{not json\n", "68FAE9B1-7.txt, 9 bytes"),
        absent=("<h2>Products", UNKNOWN, EMPTY, NO_LIST, "orders show")),
    Scenario("poison: bytes", poison(b"\0\xff\xfe{"), html=("\0\ufffd\ufffd{",)),
    Scenario("poison: as long as it may be", poison(b"\x80" * 4 * 1024 * 1024), golden=False),
    Scenario("poison: empty body, no ids", poison("", **NO_IDS), html=(
        "txt, 0 bytes", "<td>Message</td><td>" + str(ORDER["operationId"]), "<td>Session</td><td>unknown</td>")),
    Scenario("poison: hostile text", poison(HOSTILE), html=(ESCAPED,), absent=RAW),
    Scenario("poison, mail service 429", POISON, refuses(429), 503),
    Scenario("poison, mail service 401", POISON, refuses(401), 502),
    Scenario("rendering fails", changed(failure=...), status=500, golden=False),
    *[Scenario(f"byte for byte: {name}", changed(body=body(file))) for name, file in EXACT_BYTES.items()],
    *[Scenario(f"byte for byte: generated {n}", changed(body=body(file), shown__text=file), golden=False) for n, file in enumerate(generated(40))],
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
        sent = scenario.request["body"]
        attached = {"name": sent["fileName"], "contentType": sent["contentType"], "contentInBase64": sent["data"]}
        if call["body"]["attachments"] != [attached]:
            problems.append("the attachment is not the file, byte for byte")
    return run, problems


def _mail(mail: Mail, scenario: Scenario) -> list[str]:
    problems = [f"the HTML lacks {t[:80]!r}" for t in scenario.html if t not in mail["html"]]
    problems += [f"the plain text lacks {t[:80]!r}" for t in scenario.plain if t not in mail["plainText"]]
    problems += [f"the HTML has {t!r}" for t in scenario.absent if t in mail["html"]]
    if "\r" in mail["subject"] or "\n" in mail["subject"]:
        problems.append("a line break in the subject")
    free = [value for value in scenario.request["failure"].values() if isinstance(value, str)]
    free.remove(scenario.request["failure"]["kind"])
    for text in [*free, scenario.request["operationId"]]:  # nothing of what the function says may be lost
        if text not in html.unescape(mail["html"]) or text not in mail["plainText"]:
            problems.append(f"the mail lacks {text[:80]!r}")
    return problems


def refused(engine: Engine, definition: Json) -> list[str]:
    """Requests that the trigger takes though it must not."""
    schema = definition["triggers"]["manual"]["inputs"]["schema"]
    return [f"taken: {name}" for name, body in REFUSED if not engine.body_errors(schema, body)]
