"""The frameworks' common routes, in FastAPI."""

import asyncio
import hashlib

from fastapi import BackgroundTasks, FastAPI, Form, Request, UploadFile, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse

app = FastAPI(default_response_class=PlainTextResponse)


@app.get("/")
def index():
    """Not async: FastAPI runs it in a thread."""
    return "hello from FastAPI"


@app.get("/hello/{name}")
async def hello(name: str):
    return f"hello {name}"


@app.get("/json")
async def show_json(request: Request, q: str):
    return JSONResponse({"query": q, "scheme": request.url.scheme, "host": request.headers["host"]})


@app.post("/form")
async def form(field: str = Form()):
    return "field=" + field


@app.post("/upload")
async def upload(file: UploadFile):
    digest = hashlib.sha256()
    while piece := await file.read(65536):
        digest.update(piece)
    return digest.hexdigest()


@app.post("/raw")
async def raw(request: Request):
    digest = hashlib.sha256()
    async for piece in request.stream():
        digest.update(piece)
    return digest.hexdigest()


@app.get("/stream")
async def stream():
    async def pieces():
        for number in range(3):
            yield f"piece {number}\n"
            await asyncio.sleep(0)

    return StreamingResponse(pieces(), media_type="text/plain")


@app.get("/redirect")
async def redirect():
    return RedirectResponse("/hello/there", status_code=303)


@app.get("/error")
async def error():
    raise RuntimeError("a view raised")


@app.get("/background")
async def background(tasks: BackgroundTasks):
    tasks.add_task(print, "background work of FastAPI is done", flush=True)
    return "answered"


@app.websocket("/ws")
async def echo(websocket: WebSocket):
    await websocket.accept(subprotocol="chat" if "chat" in websocket.scope["subprotocols"] else None)
    try:
        while True:
            text = await websocket.receive_text()
            if text == "bye":
                await websocket.close(4001, "bye, from FastAPI")
                return
            await websocket.send_text("echo " + text)
    except WebSocketDisconnect as error:
        print(f"FastAPI: disconnected {error.code} {error.reason!r}", flush=True)
