"""Requests to the workflow: as the function sends them, and as it must not."""

from __future__ import annotations

import base64
import copy
import json
import random
from typing import Any

from .engine import Json

FILE = (
    '{"id":"68FAE9B1D86B794F0AE0ADD35A437428","email":"customer@example.com","complete":false,'
    '"products":[{"id":1,"name":"Ball","quantity":2},{"id":2,"name":"Bürste 🐕","quantity":1}],"total":12.50}'
)


def body(file: str | bytes, name: str = "68FAE9B1D86B794F0AE0ADD35A437428.json") -> dict[str, Json]:
    """The part with the bytes."""
    data = file.encode() if isinstance(file, str) else file
    kind = "application/json" if name.endswith(".json") else "text/plain"
    return {
        "encoding": "base64",
        "data": base64.b64encode(data).decode(),
        "length": len(data),
        "fileName": name,
        "contentType": kind,
    }


ORDER: dict[str, Json] = {
    "schemaVersion": 2,
    "operationId": "8540c0de-899f-5cce-acb5-3ec493af3800",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "body": body(FILE),
    "shown": {
        "customer": "customer@example.com",
        "productList": "whole",
        "products": [
            {"id": "1", "name": "Ball", "quantity": "2"},
            {"id": "2", "name": "Bürste 🐕", "quantity": "1"},
        ],
        "text": FILE,
        "textIsCut": False,
    },
    "failure": {
        "kind": "notConfirmed",
        "reason": "upload could not be confirmed: 503 ServerBusy",
        "attempts": 4,
        "sessionId": "68FAE9B1D86B794F0AE0ADD35A437428",
        "blobName": "68FAE9B1D86B794F0AE0ADD35A437428.json",
        "messageId": "68FAE9B1-7",
        "sequenceNumber": 8412,
        "deliveryCount": 1,
        "enqueuedTime": "2026-05-04T09:30:10Z",
        "stored": None,
        "putCommand": "order-items-ops orders put ./68FAE9B1D86B794F0AE0ADD35A437428.json"
        " --session=68FAE9B1D86B794F0AE0ADD35A437428 --sequence=8412 --enqueued=2026-05-04T09:30:10Z --message-id=68FAE9B1-7",
        "showCommand": "order-items-ops orders show --body -- 68FAE9B1D86B794F0AE0ADD35A437428",
    },
}
HOSTILE = "<b>Kong & \"Ball\" 'x'</b><script>alert(1)</script> @{guid()} @parameters('acsEndpoint')"


def changed(base: Json = None, **changes: Any) -> Json:
    """`order__products=None` changes base['order']['products']; the value ... removes the key."""
    body = copy.deepcopy(ORDER if base is None else base)
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = body
        for key in parents:
            target = target[key]
        if value is ...:
            del target[last]
        else:
            target[last] = value
    return body


def poison(file: str | bytes, **changes: Any) -> Json:
    """The request for a message that is no order."""
    text = file if isinstance(file, str) else file.decode(errors="replace")
    request = changed(
        failure__kind="unreadable", failure__reason="unreadable order: not JSON", failure__attempts=0, failure__blobName=None,
        failure__putCommand="order-items-ops orders put ./order.json --session=SESSION --sequence=8412",
        failure__showCommand=None, body=body(file, "68FAE9B1-7.txt"), shown__text=text[:4000], shown__textIsCut=len(text) > 4000,
        shown__customer=None, shown__productList="absent", shown__products=[],
    )  # fmt: skip
    return changed(request, **changes)


CONTRADICTORY = changed(
    failure__kind="contradictory",
    failure__reason="upload could not be confirmed: cannot tell which order is newer: stored #8420 of 2026-05-04T09:29:10Z, "
    "this one #8412 of 2026-05-04T09:30:10Z",
    failure__stored={"sequenceNumber": 8420, "enqueuedTime": "2026-05-04T09:29:10Z", "messageId": "68FAE9B1-6"},
)
GUEST = changed(shown__customer=None, shown__products=[], shown__productList="empty", traceparent=...)
BARE = {
    **changed(traceparent=..., shown__customer=None, shown__products=[], shown__productList="absent", shown__text="{}", body=body("{}")),
    "failure": {"kind": "notConfirmed", "reason": "r", "attempts": 4},
}
EVERYWHERE = changed(
    CONTRADICTORY, traceparent=HOSTILE, shown__customer=HOSTILE, shown__text=HOSTILE,
    shown__products=[{"id": HOSTILE, "name": HOSTILE, "quantity": HOSTILE}],
    failure__stored={"sequenceNumber": 1, "enqueuedTime": HOSTILE, "messageId": HOSTILE, "modifiedTime": HOSTILE},
    **{f"failure__{name}": HOSTILE for name in ("reason", "sessionId", "blobName", "messageId", "enqueuedTime", "putCommand", "showCommand")},
)  # fmt: skip
# Values that a parser on the way would change or refuse.
EXACT = {
    "a fraction with a zero at its end": '{"id":"S","total":12.50}',
    "more digits than a double has": '{"id":"S","weight":0.1234567890123456789}',
    "an integer above 2^53": '{"id":"S","orderNo":1754563833779314822}',
    "half an emoji": '{"id":"S","products":[{"name":"Cat \\ud83d"}]}',
    "a number beyond a double": '{"id":"S","x":1e400}',
    "200 nested lists": '{"id":"S","x":' + "[" * 200 + "]" * 200 + "}",
    "a text like a time": '"2026-05-04T09:30:10.5Z"',
    "a byte order mark": '\ufeff{"id":"S"}',
}
EXACT_BYTES: dict[str, str | bytes] = {
    **EXACT, "every byte": bytes(range(256)), "nothing": "", "line ends": "\r\n{\r}\n", "a key twice": '{"id":"S","x":1,"x":2}',
}  # fmt: skip


def generated(count: int, seed: int = 14) -> list[str]:
    """JSON texts of every form, the same each time."""
    dice = random.Random(seed)
    blank = lambda: dice.choice(["", "", " ", "\n", "\t", "\r\n "])  # noqa: E731
    atoms = [
        "null", "true", "-0", "-0.0", "1e400", "-1E-400", "12.50", "0.1234567890123456789", "123456789012345678901234567890",
        '"\\ud83d"', '"\\udc00\\ud800"', '"\\u0000"', '"\\/Date(1)\\/"', '"2026-05-04T09:30:10.5Z"', '"ü🐕\u2028"', '""', '"@{guid()}"', '"<b>&"',
    ]  # fmt: skip

    def value(depth: int) -> str:
        form = dice.randrange(4) if depth else 3
        parts = [value(depth - 1) for _ in range(dice.randrange(4))] if form < 2 else []
        if form == 0:
            return "[" + blank() + ",".join(parts) + blank() + "]"
        if form == 1:
            return "{" + blank() + ",".join(f"{json.dumps(dice.choice(['a', 'id', '$ref', '@x', 'ü']))}{blank()}:{p}" for p in parts) + "}"
        if form == 2:
            levels = dice.choice([1, 70, 200])
            return "[" * levels + "]" * levels
        return dice.choice(atoms)

    return [f'{blank()}{{"id":"S",{blank()}"x":{value(4)}}}{blank()}' for _ in range(count)]


# The platform answers these with 400, before the workflow starts.
REFUSED: list[tuple[str, Json]] = [
    ("no body", changed(body=...)),
    ("body null", changed(body=None)),
    ("body a text", changed(body="{}")),
    ("nothing shown", changed(shown=...)),
    ("unknown field at the root", {**ORDER, "extra": 1}),
    ("version 1", changed(schemaVersion=1)),
    ("operation id not a UUID", changed(operationId="1")),
    ("unknown encoding", changed(body__encoding="utf-8")),
    ("data not base64", changed(body__data="{}")),
    ("body over 4 MiB", changed(body__data="A" * 5592412)),
    ("a path as the file's name", changed(body__fileName="../x.json")),
    ("mark-up as the file's name", changed(body__fileName="<b>.json")),
    ("another type of file", changed(body__contentType="text/html")),
    ("a number shown as a number", changed(shown__products=[{"id": 1, "name": "", "quantity": ""}])),
    ("a product without a name", changed(shown__products=[{"id": "1", "quantity": ""}])),
    ("another form of list", changed(shown__productList="x")),
    ("another kind", changed(failure__kind="other")),
    ("no kind", changed(failure__kind=...)),
    ("negative attempts", changed(failure__attempts=-1)),
    ("attempts a text", changed(failure__attempts="4")),
    ("no failure", changed(failure=...)),
]
