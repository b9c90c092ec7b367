// Sends with Microsoft's client as it is. Prints what was refused, as JSON by the name of the step.
//
// send.js MODULES CONNECTION steps | cart SESSION BODY
"use strict";

const [modules, connection, name, ...args] = process.argv.slice(2);
const { ServiceBusClient } = require(`${modules}/@azure/service-bus`);

const QUEUE = "order-items";
const once = { retryOptions: { maxRetries: 0, timeoutInMs: 30000 } };

async function withClient(string, act) {
  const client = new ServiceBusClient(string, once);
  try {
    return await act(client);
  } finally {
    await client.close();
  }
}

const single = {
  body: { id: "zoë 🛒" },
  messageId: "one",
  sessionId: "S1",
  partitionKey: "S1",
  subject: "CartUpdated",
  correlationId: "00-trace-01",
  contentType: "application/json",
  to: "someone",
  replyTo: "me",
  replyToSessionId: "R1",
  timeToLive: 90000,
  applicationProperties: {
    text: "zoë", number: 42, fraction: 1.5, flag: true, time: new Date("2026-05-04T09:30:00Z"),
  },
};

async function batch(sender) {
  const messages = await sender.createMessageBatch();
  for (let number = 0; number < 3; number += 1) {
    messages.tryAddMessage({ body: Buffer.from(`item ${number} ö`), messageId: `batch-${number}`, sessionId: "S2" });
  }
  await sender.sendMessages(messages);
}

async function steps() {
  const refused = {};
  const step = async (what, act) => {
    try {
      await act();
    } catch (error) {
      refused[what] = `${error.name} ${error.code}: ${error.message}`;
    }
  };
  const elsewhere = (string, queue) =>
    withClient(string, (client) => client.createSender(queue).sendMessages({ body: "never seen" }));
  await withClient(connection, async (client) => {
    const sender = client.createSender(QUEUE);
    const later = new Date(Date.now() + 3600000);
    await step("single", () => sender.sendMessages(single));
    await step("batch", () => batch(sender));
    await step("large", () => sender.sendMessages({ body: Buffer.alloc(200 * 1024, "x"), messageId: "large" }));
    await step("too large", () => sender.sendMessages({ body: Buffer.alloc(300 * 1024, "x") }));
    await step("scheduled", () => sender.scheduleMessages({ body: "later" }, later));
    await step("stamped", () => sender.sendMessages({ body: "later", scheduledEnqueueTimeUtc: later }));
    await step("after all", () => sender.sendMessages({ body: Buffer.from("still here"), messageId: "last" }));
    await step("subscription", () =>
      client.createReceiver("carts", "all").receiveMessages(1, { maxWaitTimeInMs: 5000 }));
  });
  await step("unknown queue", () => elsewhere(connection, "order-itmes"));
  await step("wrong key", () => elsewhere(connection.replace("SharedAccessKey=", "SharedAccessKey=wrong"), QUEUE));
  return refused;
}

async function cart(sessionId, body) {
  const message = { body: Buffer.from(body), sessionId, contentType: "application/json" };
  await withClient(connection, (client) => client.createSender(QUEUE).sendMessages(message));
  return {};
}

const todo = { steps, cart };
todo[name](...args).then((refused) => console.log(JSON.stringify(refused)));
