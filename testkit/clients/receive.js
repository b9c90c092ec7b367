// Receives with Microsoft's client as it is, step by step: a command is a line of JSON, and so is its answer.
//
// receive.js MODULES CONNECTION
"use strict";

const readline = require("node:readline");

const [modules, connection] = process.argv.slice(2);
const { ServiceBusClient } = require(`${modules}/@azure/service-bus`);
const Long = require(`${modules}/long`);

const QUEUE = "order-items";
const service = new ServiceBusClient(connection, {
  retryOptions: { maxRetries: 3, retryDelayInMs: 200, timeoutInMs: 30000 },
});
const receivers = {};
const messages = {};

const seen = (message) => ({
  sequence: message.sequenceNumber.toNumber(),
  body: message.body.toString(),
  // Peeks and receives alike: deliveries before this one.
  count: message.deliveryCount,
  state: message.state,
  session: message.sessionId ?? null,
  reason: message.deadLetterReason ?? null,
  description: message.deadLetterErrorDescription ?? null,
  properties: message.applicationProperties ?? {},
});

const keep = (received) => received.map((message) => {
  messages[message.sequenceNumber.toNumber()] = message;
  return seen(message);
});

const withSender = async (act) => {
  const sender = service.createSender(QUEUE);
  try {
    return await act(sender);
  } finally {
    await sender.close();
  }
};
const long = (number) => Long.fromNumber(number);

const steps = {
  async open({ name, session, deletes, letters, wait = 30 }) {
    const options = { receiveMode: deletes ? "receiveAndDelete" : "peekLock" };
    if (letters) options.subQueueType = "deadLetter";
    if (session === undefined) {
      receivers[name] = service.createReceiver(QUEUE, options);
    } else if (session === "*") {
      receivers[name] = await service.acceptNextSession(QUEUE, options);
    } else {
      receivers[name] = await service.acceptSession(QUEUE, session, options);
    }
    return { session: receivers[name].sessionId ?? null };
  },
  async close({ name }) {
    await receivers[name].close();
    delete receivers[name];
  },
  receive: async ({ name, count = 1, wait = 20 }) =>
    keep(await receivers[name].receiveMessages(count, { maxWaitTimeInMs: wait * 1000 })),
  complete: ({ name, sequence }) => receivers[name].completeMessage(messages[sequence]),
  abandon: ({ name, sequence, properties }) => receivers[name].abandonMessage(messages[sequence], properties),
  defer: ({ name, sequence, properties }) => receivers[name].deferMessage(messages[sequence], properties),
  deadLetter: ({ name, sequence, reason, description }) =>
    receivers[name].deadLetterMessage(messages[sequence], {
      deadLetterReason: reason, deadLetterErrorDescription: description,
    }),
  renew: async ({ name, sequence }) => (await receivers[name].renewMessageLock(messages[sequence])).getTime() / 1000,
  renewSession: async ({ name }) => (await receivers[name].renewSessionLock()).getTime() / 1000,
  async state({ name, value }) {
    if (value !== undefined) await receivers[name].setSessionState(Buffer.from(value));
    const found = await receivers[name].getSessionState();
    return found === null || found === undefined ? null : found.toString();
  },
  peek: async ({ name, count = 10 }) => (await receivers[name].peekMessages(count)).map(seen),
  deferred: async ({ name, numbers }) => keep(await receivers[name].receiveDeferredMessages(numbers.map(long))),
  send: ({ body, session }) =>
    withSender((sender) => sender.sendMessages({ body: Buffer.from(body), sessionId: session })),
  schedule: async ({ body, seconds }) => {
    const at = new Date(Date.now() + seconds * 1000);
    const numbers = await withSender((sender) => sender.scheduleMessages({ body: Buffer.from(body) }, at));
    return numbers.map((number) => number.toNumber());
  },
  cancel: ({ numbers }) => withSender((sender) => sender.cancelScheduledMessages(numbers.map(long))),
};

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { do: step, ...rest } = JSON.parse(line);
    let answer;
    try {
      answer = { ok: (await steps[step](rest)) ?? null };
    } catch (error) {
      answer = { error: `${error.name} ${error.code}: ${error.message}` };
    }
    console.log(JSON.stringify(answer));
  }
  process.exit(0);
})();
