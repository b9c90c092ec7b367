"""OrderItemsReserver as a custom handler: every order becomes {id}.json in Blob Storage; what
cannot be uploaded in four tries goes to the Logic App."""

import base64
import json
import logging
import os
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from azure.core.exceptions import AzureError
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import BlobServiceClient, ExponentialRetry
from fastapi import FastAPI, Request

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
logging.getLogger("azure").setLevel(logging.WARNING)
log = logging.getLogger("order-items-reserver")

JSON = ContentSettings(content_type="application/json")


@asynccontextmanager
async def lifespan(app: FastAPI):
    service = BlobServiceClient.from_connection_string(
        os.environ["OrdersStorage"],
        retry_policy=ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=3),
    )
    async with service, aiohttp.ClientSession() as session:
        app.state.container = service.get_container_client(os.environ["ORDERS_CONTAINER"])
        app.state.session = session
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def ready() -> dict:
    return {"status": "ok"}


@app.post("/OrderItemsReserver")
async def reserve(request: Request) -> dict:
    invocation = await request.json()
    body = base64.b64decode(invocation["Data"]["order"])
    order = json.loads(body)
    blob = f"{order['id']}.json"
    try:
        await app.state.container.upload_blob(
            blob, body, length=len(body), overwrite=True, content_settings=JSON
        )
    except AzureError as error:
        log.error("upload of %s failed, handing over: %s", blob, error)
        await hand_over(order, error)
    log.info("%s reserved", blob)
    return {"Outputs": {}, "Logs": [f"{blob} reserved"], "ReturnValue": None}


async def hand_over(order: dict, error: AzureError) -> None:
    notice = {"order": order, "error": str(error)}
    async with app.state.session.post(os.environ["FALLBACK_URL"], json=notice) as answer:
        answer.raise_for_status()


if __name__ == "__main__":
    port = int(os.environ.get("FUNCTIONS_CUSTOMHANDLER_PORT", "7072"))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
