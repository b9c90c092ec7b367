// OrderItemsReserver as a custom handler: every order becomes {id}.json in Blob Storage; what
// cannot be uploaded in four tries goes to the Logic App.
import Fastify, { LogController } from "fastify";
import { BlobServiceClient, StorageRetryPolicyType } from "@azure/storage-blob";

const { FUNCTIONS_CUSTOMHANDLER_PORT, OrdersStorage, ORDERS_CONTAINER, FALLBACK_URL } = process.env;

const container = BlobServiceClient.fromConnectionString(OrdersStorage, {
  retryOptions: {
    retryPolicyType: StorageRetryPolicyType.EXPONENTIAL,
    maxTries: 4,
    retryDelayInMs: 1000,
    maxRetryDelayInMs: 4000,
    tryTimeoutInMs: 10000,
  },
}).getContainerClient(ORDERS_CONTAINER);

const app = Fastify({
  logger: true,
  logController: new LogController({ disableRequestLogging: true }),
  bodyLimit: 4 * 1024 * 1024,
});

app.get("/", async () => ({ status: "ok" }));

app.post("/OrderItemsReserver", async (request) => {
  const body = Buffer.from(request.body.Data.order, "base64");
  const order = JSON.parse(body.toString("utf8"));
  const blob = `${order.id}.json`;
  try {
    await container.getBlockBlobClient(blob).upload(body, body.length, {
      blobHTTPHeaders: { blobContentType: "application/json" },
    });
  } catch (error) {
    request.log.error({ blob, error: error.message }, "upload failed, handing over");
    await handOver(order, error);
  }
  request.log.info({ blob }, "order reserved");
  return { Outputs: {}, Logs: [`${blob} reserved`], ReturnValue: null };
});

async function handOver(order, error) {
  const answer = await fetch(FALLBACK_URL, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ order, error: error.message }),
  });
  if (!answer.ok) throw new Error(`the fallback answered ${answer.status}`);
}

await app.listen({ host: "127.0.0.1", port: Number(FUNCTIONS_CUSTOMHANDLER_PORT ?? 7072) });
