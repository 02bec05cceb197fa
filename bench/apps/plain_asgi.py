"""ASGI 3 applications without a framework: the twins of plain_wsgi.py, and a WebSocket echo."""

from __future__ import annotations

from typing import Any, Awaitable, Callable

Scope = dict
Receive = Callable[[], Awaitable[dict]]
Send = Callable[[dict], Awaitable[Any]]

BYTES_100K = b"0123456789" * 10_000
BYTES_100K_COUNT = 1_000


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await answer(send, b"Hello, world!\n")


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await answer(send, BYTES_100K)


async def echo_length(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await answer(send, b"%d\n" % length)


async def mixed(scope: Scope, receive: Receive, send: Send) -> None:
    """100 MB in both directions, and a greeting."""
    assert scope["type"] == "http"
    await {"/": hello, "/up": echo_length, "/down": huge}[scope["path"]](scope, receive, send)


async def huge(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % (BYTES_100K_COUNT * 100_000))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for left in reversed(range(BYTES_100K_COUNT)):
        await send({"type": "http.response.body", "body": BYTES_100K, "more_body": left > 0})


async def echo_messages(scope: Scope, receive: Receive, send: Send) -> None:
    """A greeting for HTTP, so that a client can wait until the server is there."""
    if scope["type"] == "http":
        await hello(scope, receive, send)
        return
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "bytes": message.get("bytes"), "text": message.get("text")})


async def answer(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
