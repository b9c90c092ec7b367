"""Requests to the workflow: as the function sends them, and as it must not."""

from __future__ import annotations

import copy
from typing import Any

from .engine import Json

ORDER: dict[str, Json] = {
    "schemaVersion": 1,
    "operationId": "8540c0de-899f-5cce-acb5-3ec493af3800",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "order": {
        "id": "68FAE9B1D86B794F0AE0ADD35A437428",
        "email": "customer@example.com",
        "complete": False,
        "products": [
            {"id": 1, "name": "Ball", "quantity": 2, "photoURL": "https://example.com/b.png"},
            {"id": 2, "name": "Bürste 🐕", "quantity": 1},
        ],
    },
    "failure": {
        "reason": "upload could not be confirmed: 503 ServerBusy",
        "attempts": 4,
        "sessionId": "68FAE9B1D86B794F0AE0ADD35A437428",
        "blobName": "68FAE9B1D86B794F0AE0ADD35A437428.json",
        "messageId": "68FAE9B1-7",
        "sequenceNumber": 8412,
        "deliveryCount": 1,
        "enqueuedTime": "2026-05-04T09:30:10Z",
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


def poison(data: str, encoding: str = "utf-8", length: int | None = None, truncated: bool = False, **changes: Any) -> Json:
    """The request for a message that is no order."""
    size = len(data.encode()) if length is None else length
    reason = "unreadable order: not JSON"
    body = changed(order=..., failure__reason=reason, failure__attempts=0, failure__blobName=None)
    body["rawBody"] = {"encoding": encoding, "data": data, "length": size, "truncated": truncated}
    return changed(body, **changes)


GUEST = changed(order__email=None, order__products=None, traceparent=...)
BARE = {"schemaVersion": 1, "operationId": ORDER["operationId"], "order": {"id": "S-1"}, "failure": {"reason": "r", "attempts": 4}}
EVERYWHERE = changed(
    traceparent=HOSTILE, order__id=HOSTILE, order__email=HOSTILE,
    order__products=[{"id": HOSTILE, "name": HOSTILE, "quantity": HOSTILE}],
    **{f"failure__{name}": HOSTILE for name in ("reason", "sessionId", "blobName", "messageId", "enqueuedTime")},
)  # fmt: skip

# The platform answers these with 400, before the workflow starts.
REFUSED: list[tuple[str, Json]] = [
    ("neither order nor rawBody", changed(order=...)),
    ("both order and rawBody", {**poison("x"), "order": {}}),
    ("order null", changed(order=None)),
    ("order a text", changed(order="{}")),
    ("unknown field at the root", {**ORDER, "extra": 1}),
    ("another version", changed(schemaVersion=2)),
    ("operation id not a UUID", changed(operationId="1")),
    ("unknown encoding", poison("x", encoding="hex")),
    ("raw body over 256 KiB", poison("x" * 349529)),
    ("negative attempts", changed(failure__attempts=-1)),
    ("attempts a text", changed(failure__attempts="4")),
    ("no failure", changed(failure=...)),
]
