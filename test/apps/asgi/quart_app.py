"""The frameworks' common routes, in Quart."""

import hashlib

from quart import Quart, redirect, request, websocket

app = Quart(__name__)
app.config["MAX_CONTENT_LENGTH"] = 100_000_000


@app.get("/")
async def index():
    return "hello from Quart"


@app.get("/hello/<name>")
async def hello(name):
    return f"hello {name}"


@app.get("/json")
async def show_json():
    return {"query": request.args["q"], "scheme": request.scheme, "host": request.host}


@app.post("/form")
async def form():
    return "field=" + (await request.form)["field"]


@app.post("/upload")
async def upload():
    return hashlib.sha256((await request.files)["file"].read()).hexdigest()


@app.post("/raw")
async def raw():
    digest = hashlib.sha256()
    async for piece in request.body:
        digest.update(piece)
    return digest.hexdigest()


@app.get("/stream")
async def stream():
    async def pieces():
        for number in range(3):
            yield f"piece {number}\n"

    return pieces(), {"Content-Type": "text/plain"}


@app.get("/redirect")
async def redirect_there():
    return redirect("/hello/there")


@app.get("/error")
async def error():
    raise RuntimeError("a view raised")


@app.get("/background")
async def background():
    async def work():
        print("background work of Quart is done", flush=True)

    app.add_background_task(work)
    return "answered"


@app.websocket("/ws")
async def echo():
    await websocket.accept(subprotocol="chat" if "chat" in websocket.requested_subprotocols else None)
    while True:
        text = await websocket.receive()
        if text == "bye":
            await websocket.close(4001, "bye, from Quart")
            return
        await websocket.send("echo " + text)
