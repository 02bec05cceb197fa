"""The frameworks' common routes, in Litestar."""

import hashlib
from typing import Annotated

from litestar import Litestar, MediaType, Request, WebSocket, get, post, websocket
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import WebSocketDisconnect
from litestar.logging import LoggingConfig
from litestar.params import Body
from litestar.response import Redirect, Response, Stream

TEXT = MediaType.TEXT


@get("/", media_type=TEXT, sync_to_thread=True)
def index() -> str:
    return "hello from Litestar"


@get("/hello/{name:str}", media_type=TEXT)
async def hello(name: str) -> str:
    return f"hello {name}"


@get("/json")
async def show_json(request: Request, q: str) -> dict:
    return {"query": q, "scheme": request.url.scheme, "host": request.headers["host"]}


@post("/form", media_type=TEXT)
async def form(data: Annotated[dict, Body(media_type=RequestEncodingType.URL_ENCODED)]) -> str:
    return "field=" + data["field"]


@post("/upload", media_type=TEXT, request_max_body_size=None)
async def upload(data: Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)]) -> str:
    return hashlib.sha256(await data.read()).hexdigest()


@post("/raw", media_type=TEXT)
async def raw(request: Request) -> str:
    digest = hashlib.sha256()
    async for piece in request.stream():
        digest.update(piece)
    return digest.hexdigest()


@get("/stream", media_type=TEXT)
async def stream() -> Stream:
    async def pieces():
        for number in range(3):
            yield f"piece {number}\n"

    return Stream(pieces())


@get("/redirect", status_code=303)
async def redirect() -> Redirect:
    return Redirect("/hello/there", status_code=303)


@get("/error")
async def error() -> None:
    raise RuntimeError("a view raised")


async def work() -> None:
    print("background work of Litestar is done", flush=True)


@get("/background", media_type=TEXT)
async def background() -> Response[str]:
    return Response("answered", background=BackgroundTask(work))


@websocket("/ws")
async def echo(socket: WebSocket) -> None:
    await socket.accept(subprotocols="chat" if "chat" in socket.scope["subprotocols"] else None)
    try:
        while True:
            text = await socket.receive_text()
            if text == "bye":
                await socket.close(4001, "bye, from Litestar")
                return
            await socket.send_text("echo " + text)
    except WebSocketDisconnect as error:
        print(f"Litestar: disconnected {error.code}", flush=True)


app = Litestar(
    [index, hello, show_json, form, upload, raw, stream, redirect, error, background, echo],
    openapi_config=None,
    logging_config=LoggingConfig(log_exceptions="always"),
)
