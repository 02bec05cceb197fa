"""ASGI 3 without a framework: one route for each thing that the specification lets an application do."""

import asyncio
import json
import os
import resource

TEXT = [(b"content-type", b"text/plain; charset=utf-8")]
PIECE = b"x" * 65536


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError("no lifespan")
    if scope["type"] == "websocket":
        await websocket(scope, receive, send)
    else:
        await ROUTES.get(scope["path"].rpartition("/")[2], hello)(scope, receive, send)


def say(*words):
    print(*words, flush=True)


async def hello(scope, receive, send):
    await reply(send, b"Hello, world!\n")


async def pid(scope, receive, send):
    await reply(send, str(os.getpid()).encode())


async def show_scope(scope, receive, send):
    await reply(send, json.dumps(shown(scope)).encode())


def shown(value):
    """Bytes as b:…, since JSON has none."""
    if isinstance(value, bytes):
        return "b:" + value.decode("latin-1")
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    return value


async def echo(scope, receive, send):
    """Each piece of the body as it comes."""
    await send({"type": "http.response.start", "status": 200, "headers": TEXT})
    more = True
    while more:
        message = await receive()
        assert message["type"] == "http.request", message
        more = message["more_body"]
        await send({"type": "http.response.body", "body": message["body"], "more_body": more})


async def length(scope, receive, send):
    """How many bytes came, and the most memory that this process ever had (kB)."""
    count = 0
    largest = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            say(f"upload broke off after {count}")
            return
        count += len(message["body"])
        largest = max(largest, len(message["body"]))
        more = message["more_body"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await reply(send, json.dumps({"count": count, "largest": largest, "peakKb": peak}).encode())


async def gated(scope, receive, send):
    """Takes one piece of the body, then waits for the file ?gate before it takes the rest."""
    gate = scope["query_string"].decode()
    first = await receive()
    say("took", len(first["body"]))
    while not os.path.exists(gate):
        await asyncio.sleep(0.01)
    count = len(first["body"])
    more = first["more_body"]
    while more:
        message = await receive()
        count += len(message["body"])
        more = message["more_body"]
    await reply(send, b"%d" % count)


async def download(scope, receive, send):
    """?n pieces of 64 kB; says how far it came now and then."""
    count = int(scope["query_string"])
    headers = [*TEXT, (b"content-length", b"%d" % (count * len(PIECE)))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number in range(count):
        if number % 16 == 0:
            say("sending", number)
        await send({"type": "http.response.body", "body": PIECE, "more_body": number < count - 1})
    say("sent all", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


async def ignore_body(scope, receive, send):
    await reply(send, b"not read")


async def late_receive(scope, receive, send):
    """Waits for the file ?gate before it first receives."""
    say("waiting to receive")
    while not os.path.exists(scope["query_string"].decode()):
        await asyncio.sleep(0.01)
    body = (await receive())["body"]
    await reply(send, b"got " + body)


async def long_poll(scope, receive, send):
    """Waits for something that never comes; says when the client left."""
    await receive()
    say("polling")
    message = await receive()
    say("poll ended:", message["type"])


async def no_listener(scope, receive, send):
    """Sends events without ever asking whether somebody is there: send must tell (spec 2.4)."""
    await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
    try:
        while True:
            await send({"type": "http.response.body", "body": b"data: tick\n\n", "more_body": True})
            await asyncio.sleep(0.02)
    except OSError as error:
        say("send raised OSError:", error)
        raise


EVENTS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]


async def events(scope, receive, send):
    """One event at once, the rest never; ends when the client leaves."""
    await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
    await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
    while (message := await receive())["type"] != "http.disconnect":
        pass
    say("events ended:", message["type"])


async def farewell(scope, receive, send):
    """As events, with a last word for who still listens."""
    await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
    await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass
    await send({"type": "http.response.body", "body": b"data: goodbye\n\n"})


async def slow(scope, receive, send):
    """Answers when the file ?gate is there."""
    say("slow began")
    while not os.path.exists(scope["query_string"].decode()):
        await asyncio.sleep(0.01)
    await reply(send, b"slow done")


async def after(scope, receive, send):
    """Goes on after its response."""
    await reply(send, b"answered")
    say("after:", (await receive())["type"])
    await asyncio.sleep(0.2)
    say("background is done")


async def trailers(scope, receive, send):
    headers = [*TEXT, (b"trailer", b"x-sum")]
    await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": True})
    await send({"type": "http.response.body", "body": b"summed"})
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"6")]})


async def zero_copy(scope, receive, send):
    """Bytes 10 to 19 of the file ?path."""
    headers = [*TEXT, (b"content-length", b"10")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    with open(scope["query_string"].decode(), "rb") as file:
        part = {"type": "http.response.zerocopysend", "file": file, "offset": 10, "count": 10}
        await send(part)


async def loop_name(scope, receive, send):
    await reply(send, type(asyncio.get_running_loop()).__module__.encode())


async def environment(scope, receive, send):
    await reply(send, os.environ.get(scope["query_string"].decode(), "(not set)").encode())


async def websocket(scope, receive, send):
    path = scope["path"].rpartition("/")[2]
    await receive()
    if path == "refuse":
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    if path == "scope":
        await send({"type": "websocket.send", "text": json.dumps(shown(scope))})
    while (message := await receive())["type"] == "websocket.receive":
        if path == "deaf":
            continue
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})
    say("websocket ended:", message["code"], message["reason"])
    if path == "stubborn":
        await asyncio.sleep(60)


async def reply(send, body, status=200):
    headers = [*TEXT, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


ROUTES = {
    "after": after,
    "download": download,
    "echo": echo,
    "environment": environment,
    "events": events,
    "farewell": farewell,
    "gated": gated,
    "ignore-body": ignore_body,
    "late-receive": late_receive,
    "length": length,
    "long-poll": long_poll,
    "loop": loop_name,
    "no-listener": no_listener,
    "pid": pid,
    "scope": show_scope,
    "slow": slow,
    "trailers": trailers,
    "zero-copy": zero_copy,
}


class Asgi2:
    """The older interface: a callable for each scope."""

    def __init__(self, scope):
        self.scope = scope

    async def __call__(self, receive, send):
        await app(self.scope, receive, send)


def make():
    return app
