"""The frameworks' common routes in Starlette, and what it uses of ASGI's extensions."""

import asyncio
import contextlib
import hashlib
import os

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect


@contextlib.asynccontextmanager
async def lifespan(app):
    print("Starlette: lifespan began", flush=True)
    yield {"greeting": "hello from Starlette", "counts": []}
    print("Starlette: lifespan ended", flush=True)


async def index(request):
    return PlainTextResponse(request.state.greeting)


async def hello(request):
    return PlainTextResponse("hello " + request.path_params["name"])


async def show_json(request):
    query = request.query_params["q"]
    return JSONResponse({"query": query, "scheme": request.url.scheme, "host": request.headers["host"]})


async def form(request):
    return PlainTextResponse("field=" + (await request.form())["field"])


async def upload(request):
    digest = hashlib.sha256()
    async with request.form() as fields:
        while piece := await fields["file"].read(65536):
            digest.update(piece)
    return PlainTextResponse(digest.hexdigest())


async def raw(request):
    digest = hashlib.sha256()
    async for piece in request.stream():
        digest.update(piece)
    return PlainTextResponse(digest.hexdigest())


async def stream(request):
    async def pieces():
        for number in range(3):
            yield f"piece {number}\n"
            await asyncio.sleep(0)

    return StreamingResponse(pieces(), media_type="text/plain")


async def redirect(request):
    return RedirectResponse("/hello/there", status_code=303)


async def error(request):
    raise RuntimeError("a view raised")


async def background(request):
    async def work():
        await asyncio.sleep(0)
        print("background work of Starlette is done", flush=True)

    return PlainTextResponse("answered", background=BackgroundTask(work))


async def file(request):
    """By http.response.pathsend, which the scope must offer for that."""
    assert "http.response.pathsend" in request.scope["extensions"]
    return FileResponse(request.query_params["path"])


async def hints(request):
    await request.send_early_hints("</style.css>; rel=preload; as=style", "</code.js>; rel=preload")
    return PlainTextResponse("hinted")


async def count(request):
    """The state is a shallow copy: a name that one request sets is not there for the next one, a list's items are."""
    request.state.counts.append(os.getpid())
    is_fresh = not hasattr(request.state, "name")
    request.state.name = "set"
    return JSONResponse({"counts": len(request.state.counts), "is_fresh": is_fresh})


async def ticks(request):
    """Server-sent events, until the client leaves."""

    async def events():
        try:
            number = 0
            while True:
                yield f"id: {number}\ndata: tick {number}\n\n"
                number += 1
                await asyncio.sleep(0.05)
        finally:
            print("Starlette: the events ended", flush=True)

    return StreamingResponse(events(), media_type="text/event-stream")


async def echo(websocket):
    await websocket.accept(subprotocol="chat" if "chat" in websocket.scope["subprotocols"] else None)
    try:
        while True:
            text = await websocket.receive_text()
            if text == "bye":
                await websocket.close(4001, "bye, from Starlette")
                return
            await websocket.send_text("echo " + text)
    except WebSocketDisconnect as error:
        print(f"Starlette: disconnected {error.code} {error.reason!r}", flush=True)


async def denied(websocket):
    headers = {"X-Reason": "no seat"}
    await websocket.send_denial_response(PlainTextResponse("come back later", 402, headers))


app = Starlette(
    routes=[
        Route("/", index),
        Route("/hello/{name}", hello),
        Route("/json", show_json),
        Route("/form", form, methods=["POST"]),
        Route("/upload", upload, methods=["POST"]),
        Route("/raw", raw, methods=["POST"]),
        Route("/stream", stream),
        Route("/redirect", redirect),
        Route("/error", error),
        Route("/background", background),
        Route("/file", file),
        Route("/hints", hints),
        Route("/count", count),
        Route("/ticks", ticks),
        WebSocketRoute("/ws", echo),
        WebSocketRoute("/denied", denied),
    ],
    lifespan=lifespan,
)
