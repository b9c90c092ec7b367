"""Sends with Microsoft's client as it is. Prints what was refused, as JSON by the name of the step.

send.py CONNECTION steps | cart SESSION BODY | value SESSION BODY | many COUNT
"""

import json
import sys
import time
from datetime import datetime, timedelta, timezone
from uuid import UUID

from azure.servicebus import ServiceBusClient, ServiceBusMessage
from azure.servicebus.amqp import AmqpAnnotatedMessage, AmqpMessageProperties

QUEUE = "order-items"


def client(connection):
    return ServiceBusClient.from_connection_string(connection, retry_total=0)


def told(error):
    inner = getattr(error, "inner_exception", None)
    return f"{type(error).__name__}: {error} {inner or ''}"


def single(sender):
    sender.send_messages(
        ServiceBusMessage(
            '{"id":"zoë 🛒"}',
            message_id="one",
            session_id="S1",
            partition_key="S1",
            subject="CartUpdated",
            correlation_id="00-trace-01",
            content_type="application/json",
            to="someone",
            reply_to="me",
            reply_to_session_id="R1",
            time_to_live=timedelta(seconds=90),
            application_properties={
                "text": "zoë",
                "number": 42,
                "fraction": 1.5,
                "flag": True,
                "uuid": UUID(int=7),
                "time": datetime(2026, 5, 4, 9, 30, tzinfo=timezone.utc),
            },
        )
    )


def batch(sender):
    messages = sender.create_message_batch()
    for number in range(3):
        messages.add_message(ServiceBusMessage(f"item {number} ö", message_id=f"batch-{number}", session_id="S2"))
    sender.send_messages(messages)


def steps(connection):
    refused = {}

    def step(name, act):
        try:
            act()
        except Exception as error:
            refused[name] = told(error)

    def elsewhere(connection, queue):
        with client(connection) as other, other.get_queue_sender(queue) as sender:
            sender.send_messages(ServiceBusMessage("never seen"))

    def subscribe():
        with client(connection) as other, other.get_subscription_receiver("carts", "all") as receiver:
            receiver.receive_messages(max_wait_time=5)

    with client(connection) as service, service.get_queue_sender(QUEUE) as sender:
        step("single", lambda: single(sender))
        step("batch", lambda: batch(sender))
        step("large", lambda: sender.send_messages(ServiceBusMessage(b"x" * 200 * 1024, message_id="large")))
        step("too large", lambda: sender.send_messages(ServiceBusMessage(b"x" * 300 * 1024)))
        later = datetime.now(timezone.utc) + timedelta(hours=1)
        step("scheduled", lambda: sender.schedule_messages(ServiceBusMessage("later"), later))
        stamped = ServiceBusMessage("later", scheduled_enqueue_time_utc=later)
        step("stamped", lambda: sender.send_messages(stamped))
        step("after all", lambda: sender.send_messages(ServiceBusMessage("still here", message_id="last")))
    step("unknown queue", lambda: elsewhere(connection, "order-itmes"))
    step("wrong key", lambda: elsewhere(connection.replace("SharedAccessKey=", "SharedAccessKey=wrong"), QUEUE))
    step("subscription", subscribe)
    return refused


def cart(connection, session, body):
    with client(connection) as service, service.get_queue_sender(QUEUE) as sender:
        sender.send_messages(ServiceBusMessage(body, session_id=session, content_type="application/json"))
    return {}


def value(connection, session, body):
    message = AmqpAnnotatedMessage(value_body=body, properties=AmqpMessageProperties(group_id=session))
    with client(connection) as service, service.get_queue_sender(QUEUE) as sender:
        sender.send_messages(message)
    return {}


def many(connection, count):
    with client(connection) as service, service.get_queue_sender(QUEUE) as sender:
        start = time.monotonic()
        for _ in range(int(count)):
            sender.send_messages(ServiceBusMessage('{"id":"E7DBA502","products":[]}', session_id="E7DBA502"))
        return {"per second": round(int(count) / (time.monotonic() - start))}


connection, name, *arguments = sys.argv[1:]
print(json.dumps({"steps": steps, "cart": cart, "value": value, "many": many}[name](connection, *arguments)))
