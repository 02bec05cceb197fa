"""An ASGI app for a browser: what it says of the requests that it gets, over HTTP and WebSocket."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Awaitable, Callable, Dict

    Message = Dict[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


async def app(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told(scope)})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await send({"type": "websocket.send", "text": told(scope).decode()})
    else:
        raise NotImplementedError(scope["type"])


def told(scope: Message) -> bytes:
    return json.dumps({"scheme": scope["scheme"], "version": scope["http_version"]}).encode()
