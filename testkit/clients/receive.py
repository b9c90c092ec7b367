"""Receives with Microsoft's client as it is, step by step: a command is a line of JSON, and so is its answer.

receive.py CONNECTION
"""

import json
import sys
from datetime import datetime, timedelta, timezone

from azure.servicebus import (
    NEXT_AVAILABLE_SESSION,
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceiveMode,
    ServiceBusSubQueue,
)

QUEUE = "order-items"

service = ServiceBusClient.from_connection_string(sys.argv[1], retry_total=3, retry_backoff_factor=0.2)
receivers = {}
messages = {}


def seen(message):
    text = {}
    for name, value in (message.application_properties or {}).items():
        name = name.decode() if isinstance(name, bytes) else name
        text[name] = value.decode() if isinstance(value, bytes) else value
    return {
        "sequence": message.sequence_number,
        "body": b"".join(message.body).decode(),
        "count": message.delivery_count,
        "state": message.state.name.lower(),
        "session": message.session_id,
        "reason": message.dead_letter_reason,
        "description": message.dead_letter_error_description,
        "properties": text,
    }


def keep(received, locked=True):
    for message in received:
        if locked:
            messages[message.sequence_number] = message
    return [seen(message) for message in received]


def receiver_of(name, session=None, deletes=False, letters=False, wait=30):
    options = {}
    if session is not None:
        options["session_id"] = NEXT_AVAILABLE_SESSION if session == "*" else session
    if deletes:
        options["receive_mode"] = ServiceBusReceiveMode.RECEIVE_AND_DELETE
    if letters:
        options["sub_queue"] = ServiceBusSubQueue.DEAD_LETTER
    receiver = service.get_queue_receiver(QUEUE, max_wait_time=wait, **options)
    receiver.__enter__()
    receivers[name] = receiver
    return {"session": receiver.session.session_id if session is not None else None}


def later(seconds):
    return datetime.now(timezone.utc) + timedelta(seconds=seconds)


def send(body, session=None, **options):
    with service.get_queue_sender(QUEUE) as sender:
        sender.send_messages(ServiceBusMessage(body, session_id=session, **options))


def schedule(body, seconds):
    with service.get_queue_sender(QUEUE) as sender:
        return sender.schedule_messages(ServiceBusMessage(body), later(seconds))


def cancel(numbers):
    with service.get_queue_sender(QUEUE) as sender:
        sender.cancel_scheduled_messages(numbers)


def close(name):
    receivers.pop(name).close()


def state(name, value=None):
    session = receivers[name].session
    if value is not None:
        session.set_state(value)
    found = session.get_state()
    return found if found is None else bytes(found).decode()


steps = {
    "open": receiver_of,
    "close": close,
    "receive": lambda name, count=1, wait=20: keep(receivers[name].receive_messages(count, wait)),
    "complete": lambda name, sequence: receivers[name].complete_message(messages[sequence]),
    "abandon": lambda name, sequence: receivers[name].abandon_message(messages[sequence]),
    "defer": lambda name, sequence: receivers[name].defer_message(messages[sequence]),
    "deadLetter": lambda name, sequence, reason, description: receivers[name].dead_letter_message(
        messages[sequence], reason=reason, error_description=description
    ),
    "renew": lambda name, sequence: receivers[name].renew_message_lock(messages[sequence]).timestamp(),
    "renewSession": lambda name: receivers[name].session.renew_lock().timestamp(),
    "state": state,
    "peek": lambda name, count=10: keep(receivers[name].peek_messages(count), locked=False),
    "deferred": lambda name, numbers: keep(receivers[name].receive_deferred_messages(numbers)),
    "send": send,
    "schedule": schedule,
    "cancel": cancel,
}

for line in sys.stdin:
    command = json.loads(line)
    try:
        answer = {"ok": steps[command.pop("do")](**command)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
