"""One WebSocket of an ASGI 3 app (ASGI WebSocket specification 2.4). The front speaks RFC 6455; here are messages.

CONNECTING ──accept──► OPEN ──close, or the client's──► CLOSED
    ├──close──► CLOSED (403)
    └──http.response.start──► DENYING ──last body──► CLOSED
"""

from __future__ import annotations

from collections import deque
from struct import Struct
from time import perf_counter

from .asgi import as_bytes
from .cycle import ClientLeft, Cycle
from .fields import FieldError, is_token, pack_fields
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
    WS_MESSAGE_COST,
    WS_TEXT,
    pack_credit,
    pack_frame,
    pack_response,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Deque, Dict, List, Tuple

    from .cycle import Message, Port

EXTENSIONS: Dict[str, Dict[str, Any]] = {"websocket.http.response": {}}

CONNECTING, DENYING, OPEN, CLOSED = range(4)
STATE_NAMES = ("connecting", "sending its denial response", "open", "closed")

# Close codes (RFC 6455 §7.4.1).
NORMAL = 1000
NO_STATUS = 1005
ABNORMAL = 1006
INTERNAL_ERROR = 1011
#: They say that no code was sent, or how TLS failed: none of them can be sent.
UNSENDABLE = frozenset((1004, NO_STATUS, ABNORMAL, 1015))
#: RFC 6455 §5.5: a control frame has at most 125 bytes, two of them the code.
REASON_BYTES_MAX = 123

_CODE = Struct("<H")


class WebSocketCycle(Cycle):
    _state = CONNECTING
    #: Bytes and message costs that the app may send.
    _credit = CREDIT_INITIAL
    _credit_due = 0
    #: The front said that the connection is over.
    _is_over = False
    #: The app was told so.
    _is_end_told = False
    #: The front waits for this stream's end, although nothing of it is used.
    _is_cancelled = False
    #: The head of a denial response, until its first body bytes.
    _denial: Message | None = None

    def __init__(self, port: Port, stream: int, scope: Message, credit_step: int) -> None:
        """Credit is given back in steps of `credit_step`."""
        self.port = port
        self.stream = stream
        self.scope = scope
        self._credit_step = credit_step
        #: Messages and what each one costs of the front's credit.
        self._inbox: Deque[Tuple[Message, int]] = deque((({"type": "websocket.connect"}, 0),))
        self._partial: List[bytes] = []
        self._started_at = perf_counter()

    # --- receive ------------------------------------------------------------------------------------------------------------

    async def receive(self) -> Message:
        """Raises RuntimeError after websocket.disconnect: nothing can follow."""
        while not self._inbox:
            if self._is_end_told:
                raise RuntimeError("receive was called after websocket.disconnect")
            await self.wait()
        message, cost = self._inbox.popleft()
        if cost:
            self._credit_due += cost
            if self._credit_due >= self._credit_step and not self._is_over:
                self.port.write(pack_credit(self.stream, self._credit_due))
                self._credit_due = 0
        elif message["type"] == "websocket.disconnect":
            self._is_end_told = True
        return message

    # --- send ---------------------------------------------------------------------------------------------------------------

    async def send(self, message: Message) -> None:
        """Raises ClientLeft (an OSError) once the client is gone, RuntimeError for messages out of order."""
        kind = message["type"]
        state = self._state
        if state == OPEN and kind == "websocket.send":
            await self._send_message(message)
        elif self._is_over and state != CLOSED:
            raise ClientLeft("the WebSocket is closed")
        elif state == CONNECTING and kind == "websocket.accept":
            self._accept(message)
        elif state <= OPEN and state != DENYING and kind == "websocket.close":
            self._close(message)
        elif state == CONNECTING and kind == "websocket.http.response.start":
            self._start_denial(message)
        elif state == DENYING and kind == "websocket.http.response.body":
            await self._send_denial_body(message)
        else:
            raise RuntimeError(f"a WebSocket that is {STATE_NAMES[state]} can't take {kind!r}")

    def _accept(self, message: Message) -> None:
        subprotocol = message.get("subprotocol") or ""
        if subprotocol and (not is_token(subprotocol) or len(subprotocol) > 255):
            raise FieldError(f"a subprotocol must be a token of at most 255 characters: {subprotocol!r:.300}")
        lines, flags, _ = pack_fields(message.get("headers") or (), bytes)
        if flags & HAS_LENGTH:
            raise FieldError("Content-Length can't stand in a WebSocket handshake")
        if b"\nsec-websocket-" in b"\n" + lines.lower():
            raise FieldError("the server makes the Sec-WebSocket fields; name a subprotocol as `subprotocol`")
        self._state = OPEN
        accept = b"%c%b%b\r\n" % (len(subprotocol), subprotocol.encode(), lines)
        self.port.write(pack_frame(self.stream, WS_ACCEPT, 0, accept))

    async def _send_message(self, message: Message) -> None:
        kind, payload = _payload_of(message)
        while self._credit <= 0 and not self._is_over:
            await self.wait()
        if self._is_over:
            raise ClientLeft("the WebSocket is closed")
        if self._state != OPEN:
            raise RuntimeError("the app closed the WebSocket while it sent a message")
        self._credit -= len(payload) + WS_MESSAGE_COST
        if len(payload) > FRAME_BYTES_MAX:
            payload = self._send_pieces(kind, payload)
        self.port.write(pack_frame(self.stream, kind, 0, payload))
        if self._credit <= 0:
            await self.port.wait_for_room()

    def _send_pieces(self, kind: int, payload: bytes) -> bytes:
        """All but the last one, which it returns."""
        last = (len(payload) - 1) // FRAME_BYTES_MAX * FRAME_BYTES_MAX
        for at in range(0, last, FRAME_BYTES_MAX):
            self.port.write(pack_frame(self.stream, kind, MORE, payload[at : at + FRAME_BYTES_MAX]))
        return payload[last:]

    def _close(self, message: Message) -> None:
        """Before accept: the handshake is refused with 403 (ASGI WebSocket specification, Close)."""
        if self._state == CONNECTING:
            self._deny(403)
            return
        code = message.get("code")
        code = NORMAL if code is None else code
        if not isinstance(code, int) or not 1000 <= code <= 4999 or code in UNSENDABLE:
            raise RuntimeError(f"{code!r} is no close code that can be sent (RFC 6455 section 7.4)")
        self._send_close(code, message.get("reason") or "")

    def _send_close(self, code: int, reason: str) -> None:
        text = reason.encode("utf-8", "replace")[:REASON_BYTES_MAX].decode("utf-8", "ignore").encode()
        self.port.write(pack_frame(self.stream, WS_CLOSE, END, _CODE.pack(code) + text))
        self._end_state()

    def _deny(self, status: int) -> None:
        self.port.write(
            pack_response(
                self.stream,
                END,
                status,
                HAS_LENGTH,
                b"",
                b"content-length: 0\r\n\r\n",
                b"",
                0,
                self._micros(),
            )
        )
        self._end_state()

    def _end_state(self) -> None:
        self._state = CLOSED
        self.is_answered = True

    # --- denial response ----------------------------------------------------------------------------------------------------

    def _start_denial(self, message: Message) -> None:
        status = message["status"]
        if not isinstance(status, int) or not 200 <= status <= 999:
            raise FieldError(f"a response status must be an int from 200 to 999, not {status!r}")
        self._denial = dict(message, headers=list(message.get("headers") or ()))
        pack_fields(self._denial["headers"], bytes)
        self._state = DENYING

    async def _send_denial_body(self, message: Message) -> None:
        body = as_bytes(message.get("body", b""))
        more = message.get("more_body", False)
        if self._denial is not None:
            self._open_denial(self._denial)
        for at in range(0, len(body) or 1, BODY_BYTES_MAX):
            piece = body[at : at + BODY_BYTES_MAX]
            while self._credit <= 0 and not self._is_over:
                await self.wait()
            if self._is_over:
                raise ClientLeft("the client has left")
            self._credit -= len(piece)
            is_last = not more and at + BODY_BYTES_MAX >= len(body)
            self.port.write(pack_frame(self.stream, BODY, END if is_last else 0, piece))
        if not more:
            self._end_state()

    def _open_denial(self, denial: Message) -> None:
        self._denial = None
        lines, flags, length = pack_fields(denial["headers"], bytes)
        head = (flags, b"", lines + b"\r\n", b"", max(0, length), self._micros())
        self.port.write(pack_response(self.stream, 0, int(denial["status"]), *head))

    # --- the end ------------------------------------------------------------------------------------------------------------

    def judge_return(self) -> None:
        if self._is_over or self._state == CLOSED:
            self._end_cancelled()
        elif self._state == OPEN:
            self._send_close(NORMAL, "")
        else:
            self.port.log.error("The ASGI app returned without accepting or closing: %s", self.name())
            self.give_up("the app returned without accepting or closing")

    def give_up(self, reason: str) -> None:
        """1011 when open, 500 before."""
        if self._is_over or self._state == CLOSED:
            self._end_cancelled()
        elif self._state == OPEN:
            self._send_close(INTERNAL_ERROR, "")
        elif self._state == CONNECTING or self._denial is not None:
            self._deny(500)
        else:
            self.abort(reason)
            self._end_state()

    def _end_cancelled(self) -> None:
        if self._is_cancelled and not self.is_answered:
            self.abort("the client left")

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
        message: Message = {"type": "websocket.receive"}
        if kind == WS_TEXT:
            message["text"] = payload.decode()
        else:
            message["bytes"] = payload
        self._inbox.append((message, len(payload) + WS_MESSAGE_COST))
        self.wake()

    def on_close(self, payload: bytes) -> None:
        """The front's WS_CLOSE: the stream is over, before accept as well."""
        code = _CODE.unpack_from(payload)[0] if len(payload) >= 2 else NO_STATUS
        self.is_answered = True
        self._end(code, payload[2:].decode("utf-8", "replace"))

    def on_left(self) -> None:
        self._is_cancelled = True
        self._end(ABNORMAL, "")

    def _end(self, code: int, reason: str) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._inbox.append(({"type": "websocket.disconnect", "code": code, "reason": reason}, 0))
        self.wake()

    def on_credit(self, count: int) -> None:
        self._credit += count
        self.wake()


def _payload_of(message: Message) -> tuple[int, bytes]:
    """One of text and bytes must be there (ASGI WebSocket specification, Send)."""
    text = message.get("text")
    data = message.get("bytes")
    if (text is None) == (data is None):
        raise RuntimeError("websocket.send needs either text or bytes")
    if text is None:
        return WS_BINARY, data if type(data) is bytes else as_bytes(data)
    if not isinstance(text, str):
        raise TypeError(f"the text of a message must be str, not {type(text).__name__}")
    return WS_TEXT, text.encode()
