"""An ASGI app of WebSockets: each path is a way to behave. What its receive said at the end is printed."""

from __future__ import annotations

import asyncio
import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Awaitable, Callable, Dict

    Message = Dict[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


async def app(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await answer(scope, send)
    elif scope["type"] == "websocket":
        assert (await receive())["type"] == "websocket.connect"
        await PATHS.get(scope["path"], echo)(scope, receive, send)
    else:
        raise NotImplementedError(scope["type"])


async def answer(scope: Message, send: Send) -> None:
    body = f"{scope['type']} {os.getpid()}".encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    subprotocol = next(iter(scope["subprotocols"]), None)
    await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": [(b"x-app", b"echo")]})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            print("ended", message["code"], message.get("reason"), flush=True)
            return
        if message.get("text") is not None:
            await send({"type": "websocket.send", "text": message["text"]})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})


async def tell_scope(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await send(
        {"type": "websocket.send", "text": json.dumps(scope, default=lambda value: value.decode("latin-1"))}
    )
    await receive()


async def tell_pid(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": str(os.getpid())})
    await receive()


async def deny(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-why", b"because")]})
    await send({"type": "websocket.http.response.body", "body": b"not ", "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"you"})


async def close_early(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close"})


async def close_late(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "last words"})
    await send({"type": "websocket.close", "code": 4001, "reason": "enough"})
    print("ended", (await receive())["code"], flush=True)


async def raise_early(scope: Message, receive: Receive, send: Send) -> None:
    raise ValueError("raised before accept")


async def raise_late(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    raise ValueError("raised after accept")


async def say_nothing(scope: Message, receive: Receive, send: Send) -> None:
    pass


async def never_receive(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await asyncio.sleep(3600)


async def flood(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    for count in range(1_000_000):
        await send({"type": "websocket.send", "bytes": b"x" * 1000})
        print("sent", count, flush=True) if count % 1000 == 0 else None


async def flood_short(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    for count in range(1_000_000):
        await send({"type": "websocket.send", "text": "x" * 30})
        print("sent", count, flush=True) if count % 1000 == 0 else None


async def kill(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await receive()
    os.kill(os.getpid(), 9)


PATHS = {
    "/scope": tell_scope,
    "/pid": tell_pid,
    "/deny": deny,
    "/close-early": close_early,
    "/close-late": close_late,
    "/raise-early": raise_early,
    "/raise-late": raise_late,
    "/nothing": say_nothing,
    "/never-receive": never_receive,
    "/flood": flood,
    "/flood-short": flood_short,
    "/kill": kill,
}
