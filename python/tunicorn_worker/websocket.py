"""One WebSocket of an ASGI 3 app (ASGI WebSocket specification 2.4; peers.md §4.4). The front speaks RFC 6455; here are messages.

States:  CONNECTING ──accept──► OPEN ──close, or the client's──► CLOSED
             └──close, denial response──► CLOSED
"""

from __future__ import annotations

import asyncio
from collections import deque
from struct import Struct
from time import perf_counter

from .asgi import ClientLeft
from .asgi_head import HeadError, header_block, is_token
from .wire import (
    BODY,
    BODY_BYTES_MAX,
    CREDIT_INITIAL,
    END,
    FRAME_BYTES_MAX,
    HAS_LENGTH,
    MORE,
    WS_ACCEPT,
    WS_BINARY,
    WS_CLOSE,
    WS_TEXT,
    pack_abort,
    pack_credit,
    pack_frame,
    pack_response,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Deque, Dict, List

    from .asgi import App, Message, Port

EXTENSIONS: Dict[str, Dict[str, Any]] = {"websocket.http.response": {}}

#: Message bytes that the front sends ahead of the app's receive (docs/wire.md).
RECEIVE_WINDOW = 65_536

CONNECTING, DENYING, OPEN, CLOSED = range(4)

# Close codes (RFC 6455 §7.4.1).
NORMAL = 1000
NO_STATUS = 1005
INTERNAL_ERROR = 1011

_CODE = Struct("<H")


class WebSocketCycle:
    """The app's side of one WebSocket. The port calls `on_…`; the app calls receive and send, from any of its tasks."""

    __slots__ = (
        "_credit", "_denial", "_inbox", "_is_over", "_partial", "_port", "_started_at", "_state", "_waiters", "_window_due",
        "scope", "stream",
    )  # fmt: skip

    def __init__(self, port: Port, stream: int, scope: Message) -> None:
        self.stream = stream
        self.scope = scope
        self._port = port
        self._state = CONNECTING
        self._inbox: Deque[Message] = deque(({"type": "websocket.connect"},))
        self._partial: List[bytes] = []
        self._credit = CREDIT_INITIAL
        self._window_due = 0
        #: The front said that the connection is over.
        self._is_over = False
        self._denial: Message | None = None
        self._waiters: List[asyncio.Future[None]] = []
        self._started_at = perf_counter()

    async def run(self, app: App) -> None:
        """Runs the app to its end. What it leaves open is closed: 1000 when it returned, 1011 when it raised."""
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            self._give_up(INTERNAL_ERROR)
            raise
        except ClientLeft:
            self._port.log.debug("The client left the WebSocket %s", self.scope["path"])
        except Exception:
            self._port.log.error(
                "Exception in ASGI application: WebSocket %s", self.scope["path"], exc_info=True
            )
            self._give_up(INTERNAL_ERROR)
        except BaseException:
            self._give_up(INTERNAL_ERROR)
            raise
        else:
            self._end_after_return()
        finally:
            self._port.ended(self.stream)

    # --- the app's side -------------------------------------------------------------------------------------------------------

    async def receive(self) -> Message:
        while not self._inbox:
            await self._wait()
        message = self._inbox.popleft()
        if message["type"] == "websocket.receive":
            self._give_credit(message)
        return message

    def _give_credit(self, message: Message) -> None:
        data = message.get("bytes")
        self._window_due += len(data) if data is not None else len(message["text"])
        if self._window_due >= RECEIVE_WINDOW // 4 and not self._is_over:
            self._port.write(pack_credit(self.stream, self._window_due))
            self._window_due = 0

    async def send(self, message: Message) -> None:
        """Raises ClientLeft (an OSError) once the connection is over, RuntimeError for messages out of order."""
        kind = message["type"]
        if self._state == OPEN and kind == "websocket.send":
            await self._send_message(message)
        elif self._is_over:
            raise ClientLeft("the WebSocket is closed")
        elif self._state == CONNECTING and kind == "websocket.accept":
            self._accept(message)
        elif self._state in (CONNECTING, OPEN) and kind == "websocket.close":
            self._close(message)
        elif self._state == CONNECTING and kind == "websocket.http.response.start":
            self._start_denial(message)
        elif self._state == DENYING and kind == "websocket.http.response.body":
            await self._send_denial_body(message)
        else:
            raise RuntimeError(f"a WebSocket that is {STATE_NAMES[self._state]} can't take {kind!r}")

    def _accept(self, message: Message) -> None:
        subprotocol = (message.get("subprotocol") or "").encode("latin-1", "replace")
        if subprotocol and not is_token(subprotocol) or len(subprotocol) > 255:
            raise HeadError(f"a subprotocol must be a token of at most 255 bytes: {subprotocol!r}")
        block, flags, _ = header_block(message.get("headers") or ())
        if flags & HAS_LENGTH:
            raise HeadError("Content-Length can't stand in a WebSocket handshake")
        self._state = OPEN
        self._port.write(
            pack_frame(self.stream, WS_ACCEPT, 0, bytes((len(subprotocol),)) + subprotocol + block)
        )

    async def _send_message(self, message: Message) -> None:
        text = message.get("text")
        data = message.get("bytes")
        if (text is None) == (data is None):
            raise RuntimeError("websocket.send needs either text or bytes")
        while self._credit <= 0 and not self._is_over:
            await self._wait()
        if self._is_over:
            raise ClientLeft("the WebSocket is closed")
        kind, payload = (WS_TEXT, text.encode()) if text is not None else (WS_BINARY, bytes(data or b""))
        self._credit -= len(payload)
        for at in range(0, len(payload) - FRAME_BYTES_MAX, FRAME_BYTES_MAX):
            self._port.write(pack_frame(self.stream, kind, MORE, payload[at : at + FRAME_BYTES_MAX]))
        last = max(0, (len(payload) - 1) // FRAME_BYTES_MAX * FRAME_BYTES_MAX)
        self._port.write(pack_frame(self.stream, kind, 0, payload[last:]))

    def _close(self, message: Message) -> None:
        """Before accept: the handshake is refused with 403 (ASGI WebSocket specification, Close)."""
        if self._state == CONNECTING:
            self._deny(403)
            return
        code = message.get("code", NORMAL)
        self._send_close(NORMAL if code is None else code, message.get("reason") or "")

    def _send_close(self, code: int, reason: str) -> None:
        # RFC 6455 §5.5: a control frame has at most 125 bytes, two of them the code.
        text = reason.encode()[:123].decode("utf-8", "ignore").encode()
        self._port.write(pack_frame(self.stream, WS_CLOSE, END, _CODE.pack(code) + text))
        self._state = CLOSED

    def _deny(self, status: int) -> None:
        block = b"content-length: 0\r\n\r\n"
        self._port.write(
            pack_response(self.stream, END, status, HAS_LENGTH, b"", block, b"", 0, self._micros())
        )
        self._state = CLOSED

    def _start_denial(self, message: Message) -> None:
        header_block(message.get("headers") or ())
        self._denial = message
        self._state = DENYING

    async def _send_denial_body(self, message: Message) -> None:
        body = message.get("body", b"")
        more = message.get("more_body", False)
        if self._denial is not None:
            self._open_denial()
        for at in range(0, len(body) or 1, BODY_BYTES_MAX):
            piece = body[at : at + BODY_BYTES_MAX]
            while self._credit <= 0 and not self._is_over:
                await self._wait()
            if self._is_over:
                raise ClientLeft("the client has left")
            self._credit -= len(piece)
            is_last = not more and at + BODY_BYTES_MAX >= len(body)
            self._port.write(pack_frame(self.stream, BODY, END if is_last else 0, piece))
        if not more:
            self._state = CLOSED

    def _open_denial(self) -> None:
        denial = self._denial
        assert denial is not None
        self._denial = None
        block, flags, length = header_block(denial.get("headers") or ())
        status = denial["status"]
        self._port.write(
            pack_response(self.stream, 0, status, flags, b"", block, b"", max(0, length), self._micros())
        )

    # --- the end ------------------------------------------------------------------------------------------------------------

    def _end_after_return(self) -> None:
        if self._state == CONNECTING and not self._is_over:
            self._port.log.error(
                "The ASGI app returned without accepting or closing the WebSocket %s", self.scope["path"]
            )
            self._give_up(INTERNAL_ERROR)
        elif self._state == OPEN and not self._is_over:
            self._send_close(NORMAL, "")
        elif self._state == DENYING:
            self._give_up(INTERNAL_ERROR)

    def _give_up(self, code: int) -> None:
        if self._is_over or self._state == CLOSED:
            return
        if self._state == OPEN:
            self._send_close(code, "")
        elif self._state == CONNECTING or self._denial is not None:
            self._deny(500)
        else:
            self._port.write(pack_abort(self.stream, "the app ended before its denial response did"))
            self._state = CLOSED

    def _micros(self) -> int:
        return int((perf_counter() - self._started_at) * 1e6)

    # --- the port's side ----------------------------------------------------------------------------------------------------

    def on_message(self, kind: int, payload: bytes, has_more: bool) -> None:
        """A message or a piece of one. The front has checked that text is UTF-8."""
        if has_more or self._partial:
            self._partial.append(payload)
            if has_more:
                return
            payload = b"".join(self._partial)
            self._partial.clear()
        if kind == WS_TEXT:
            self._deliver({"type": "websocket.receive", "text": payload.decode()})
        else:
            self._deliver({"type": "websocket.receive", "bytes": payload})

    def on_close(self, payload: bytes) -> None:
        code = _CODE.unpack_from(payload)[0] if len(payload) >= 2 else NO_STATUS
        self._end(code, payload[2:].decode("utf-8", "replace"))

    def on_left(self) -> None:
        self._end(1006, "")

    def _end(self, code: int, reason: str) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._deliver({"type": "websocket.disconnect", "code": code, "reason": reason})

    def on_credit(self, count: int) -> None:
        self._credit += count
        self._wake()

    def _deliver(self, message: Message) -> None:
        self._inbox.append(message)
        self._wake()

    async def _wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


STATE_NAMES = ("connecting", "sending its denial response", "open", "closed")
