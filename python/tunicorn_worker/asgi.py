"""One HTTP request of an ASGI 3 app: its receive and send (ASGI HTTP specification 2.4).

    HEAD ──start──► FIRST ──body──► STREAM ──last body──► (TRAILER ──trailers──►) OVER

The head leaves with the first body bytes (a raising app can still be answered with 500), that of an event stream at once.
"""

from __future__ import annotations

from time import perf_counter

from . import asgi_files
from .cycle import ClientLeft, Cycle
from .fields import FieldError, pack_fields, pack_trailer_names
from .wire import (
    BODY,
    BODY_BYTES_MAX,
    CREDIT_INITIAL,
    END,
    HAS_LENGTH,
    HAS_TRAILERS,
    NO_BUFFER,
    TRAILERS,
    pack_credit,
    pack_deadline,
    pack_frame,
    pack_frame_head,
    pack_inform,
    pack_response_head,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    from .cycle import Message, Port

#: What this worker can do on HTTP (ASGI extensions).
EXTENSIONS: Dict[str, Dict[str, Any]] = {
    "http.response.pathsend": {},
    "http.response.zerocopysend": {},
    "http.response.early_hint": {},
    "http.response.trailers": {},
    "tunicorn.timeout": {},
}

#: Request body bytes that the front sends ahead of the app's receive (docs/wire.md), and how many more once the app has
#: shown that it reads: who does not read holds little memory.
REQUEST_WINDOW = 65_536
WIDER_WINDOW = 262_144
#: A piece of a body this long is not copied on its way to the link.
UNCOPIED_BYTES_MIN = 16_384

HEAD, FIRST, STREAM, TRAILER, OVER = range(5)
#: What the app should send next.
EXPECTED = (
    "http.response.start",
    "http.response.body",
    "http.response.body",
    "http.response.trailers",
    "nothing more",
)
SERVER_ERROR = b"Internal Server Error"
_SERVER_ERROR_LINES = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(SERVER_ERROR)


class HttpCycle(Cycle):
    #: The request body is complete.
    body_ended = True
    #: The app was given the message that ends the body.
    _is_body_told = False
    #: The client waits for `100 Continue`, which the first credit lets it have.
    _awaits_credit = False
    _window_due = 0
    _is_wide = False
    #: Nobody waits for the answer any more.
    has_left = False
    #: The app was told that its client leaves, while it may still say a last word.
    _is_noticed = False
    phase = HEAD
    credit = CREDIT_INITIAL
    flags = 0
    #: Content-Length with HAS_LENGTH among the flags.
    length = -1
    _sent = 0
    file_reply: bool | None = None

    def __init__(self, port: Port, stream: int, scope: Message) -> None:
        self.port = port
        self.stream = stream
        self.scope = scope
        self._started_at = perf_counter()

    def expect_body(self, awaits_credit: bool) -> None:
        """A request body follows."""
        self.body_ended = False
        self._awaits_credit = awaits_credit
        self._body: List[bytes] = []

    # --- receive ------------------------------------------------------------------------------------------------------------

    async def receive(self) -> Message:
        """Body as it comes; after its end, waits for the client to leave or for the response to end."""
        if self.body_ended and not self._is_body_told and not self.has_left and self.phase != OVER:
            return self._take_body()
        if self._awaits_credit:
            self._awaits_credit = False
            self.port.write(pack_credit(self.stream, REQUEST_WINDOW))
        while not self._has_news():
            await self.wait()
        if self.has_left or self.phase == OVER or self._is_noticed:
            return {"type": "http.disconnect"}
        return self._take_body()

    def _has_news(self) -> bool:
        if self.has_left or self.phase == OVER or self._is_noticed:
            return True
        return not self._is_body_told and (self.body_ended or bool(self._body))

    def _take_body(self) -> Message:
        if self.body_ended:
            self._is_body_told = True
            body = b"".join(self._body) if "_body" in self.__dict__ else b""
            self._body = []
            return {"type": "http.request", "body": body, "more_body": False}
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self._window_due += len(body)
        if self._window_due >= REQUEST_WINDOW // 4:
            self._give_credit()
        return {"type": "http.request", "body": body, "more_body": True}

    def _give_credit(self) -> None:
        credit = self._window_due
        if not self._is_wide:
            self._is_wide = True
            credit += WIDER_WINDOW - REQUEST_WINDOW
        self.port.write(pack_credit(self.stream, credit))
        self._window_due = 0

    # --- send ---------------------------------------------------------------------------------------------------------------

    async def send(self, message: Message) -> None:
        """Raises ClientLeft (an OSError) once the client has left, RuntimeError for messages out of order."""
        kind = message["type"]
        phase = self.phase
        if self.has_left and phase != OVER:
            raise ClientLeft("the client has left")
        if kind == "http.response.body" and (phase == FIRST or phase == STREAM):
            body = message.get("body", b"")
            if type(body) is not bytes:
                body = as_bytes(body)
            if phase == FIRST and len(body) <= BODY_BYTES_MAX:
                more = message.get("more_body", False)
                self._send_first(body, more)
                if more:
                    await self.port.wait_for_room()
            else:
                await self.send_body(body, message.get("more_body", False))
        elif kind == "http.response.start" and phase == HEAD:
            self._start(message)
        elif kind == "http.response.early_hint" and phase == HEAD:
            self._send_early_hint(message)
        elif kind == "http.response.pathsend" and phase == FIRST:
            await asgi_files.send_path(self, message)
        elif kind == "http.response.zerocopysend" and (phase == FIRST or phase == STREAM):
            await asgi_files.send_descriptor(self, message)
        elif kind == "http.response.trailers" and phase == TRAILER:
            self._send_trailers(message)
        elif kind == "tunicorn.timeout" and phase != OVER:
            self.port.write(pack_deadline(self.stream, message["seconds"]))
        else:
            raise RuntimeError(f"expected {EXPECTED[phase]}, but the app sent {kind!r}")

    def _start(self, message: Message) -> None:
        status = message["status"]
        if not isinstance(status, int) or not 200 <= status <= 999:
            raise FieldError(f"a response status must be an int from 200 to 999, not {status!r}")
        headers = message.get("headers", ())
        if message.get("trailers", False):
            headers = list(headers)  # read twice
            self.lines, self.flags, self.length = pack_fields(headers, bytes)
            self.lines += pack_trailer_names(headers)
            self.flags |= HAS_TRAILERS
        else:
            self.lines, self.flags, self.length = pack_fields(headers, bytes)
        self.status = int(status)
        self.is_bodiless = status == 204 or status == 304 or self.scope["method"] == "HEAD"
        self.phase = FIRST
        if self.flags & NO_BUFFER:
            self._open_stream()

    def _write_piece(self, end: int, piece: bytes) -> None:
        if len(piece) < UNCOPIED_BYTES_MIN:
            self.port.write(pack_frame(self.stream, BODY, end, piece))
        else:
            self.port.write(pack_frame_head(self.stream, BODY, end, len(piece)))
            self.port.write(bytes(piece))

    def _send_first(self, body: bytes, more: bool) -> None:
        """The head with the first body bytes; all of it when there is no more, then with a Content-Length."""
        flags = self.flags
        if more or flags & HAS_TRAILERS or self.is_bodiless:
            self._open_with(body, more)
            return
        if not flags & HAS_LENGTH:
            self.set_length(len(body))
        elif len(body) != self.length:
            self._admit(body, True)
        self._write_response(END, body)
        self.end()

    def _open_with(self, body: bytes, more: bool) -> None:
        body = self._admit(body, not more)
        self.credit -= len(body)
        self.phase = STREAM
        is_last = not more and not self.flags & HAS_TRAILERS
        self._write_response(END if is_last else 0, body)
        if not more:
            self._finish()

    def set_length(self, length: int) -> None:
        """The Content-Length that the app left out."""
        self.length = length
        self.flags |= HAS_LENGTH
        self.lines = b"content-length: %d\r\n%b" % (length, self.lines)

    def head_frame(self, end: int, body: bytes) -> bytes:
        return self._frame_start(end, len(body)) + body

    def _frame_start(self, end: int, body_length: int) -> bytes:
        flags = self.flags
        length = self.length if flags & HAS_LENGTH else 0
        micros = int((perf_counter() - self._started_at) * 1e6)
        return pack_response_head(
            self.stream, end, self.status, flags, b"", self.lines + b"\r\n", body_length, length, micros
        )

    def _write_response(self, end: int, body: bytes) -> None:
        if len(body) < UNCOPIED_BYTES_MIN:
            self.port.write(self._frame_start(end, len(body)) + body)
        else:
            self.port.write(self._frame_start(end, len(body)))
            self.port.write(bytes(body))  # no copy of what cannot change

    def _finish(self) -> None:
        """The body is complete."""
        if self.flags & HAS_TRAILERS:
            self.phase = TRAILER
            self._trailers: List[bytes] = []
        else:
            self.end()

    def end(self) -> None:
        self.phase = OVER
        self.is_answered = True
        if self._waiters:
            self.wake()

    def _admit(self, body: bytes, is_last: bool) -> bytes:
        """Counts body bytes against Content-Length. RuntimeError for too many or too few, as uvicorn raises it."""
        if self.is_bodiless:
            return b""
        if self.flags & HAS_LENGTH:
            self._sent = sent = self._sent + len(body)
            if sent > self.length:
                raise RuntimeError(
                    f"the body has more bytes ({sent}) than its Content-Length ({self.length})"
                )
            if is_last and sent < self.length:
                raise RuntimeError(f"the body ended after {sent} of {self.length} bytes (Content-Length)")
        return body

    async def send_body(self, body: bytes, more: bool) -> None:
        body = self._admit(body, not more)
        if self.phase == FIRST:
            self._open_stream()
        is_end = not more and not self.flags & HAS_TRAILERS
        at = 0
        while at < len(body):
            await self._wait_for_credit()
            piece = body[at : at + min(BODY_BYTES_MAX, self.credit)]
            self.credit -= len(piece)
            at += len(piece)
            is_last = is_end and at == len(body)
            self._write_piece(END if is_last else 0, piece)
        if is_end and not body:
            self.port.write(pack_frame(self.stream, BODY, END, b""))
        if not more:
            self._finish()
        await self.port.wait_for_room()

    def _open_stream(self) -> None:
        self.phase = STREAM
        self.port.write(self.head_frame(0, b""))

    async def _wait_for_credit(self) -> None:
        while self.credit <= 0 and not self.has_left:
            await self.wait()
        if self.has_left:
            raise ClientLeft("the client has left")

    def _send_early_hint(self, message: Message) -> None:
        """103 with Link fields (RFC 8297)."""
        lines, _, _ = pack_fields([(b"link", link) for link in message["links"]], bytes)
        self.port.write(pack_inform(self.stream, 103, lines + b"\r\n"))

    def _send_trailers(self, message: Message) -> None:
        lines, flags, _ = pack_fields(message.get("headers", ()), bytes)
        if flags & HAS_LENGTH:
            raise FieldError("Content-Length must not stand among trailers (RFC 9110 section 6.5.1)")
        self._trailers.append(lines)
        if not message.get("more_trailers", False):
            self.port.write(pack_frame(self.stream, TRAILERS, END, b"".join(self._trailers) + b"\r\n"))
            self.end()

    # --- the end ------------------------------------------------------------------------------------------------------------

    def judge_return(self) -> None:
        if self.phase == OVER:
            return
        if self.has_left or self._is_noticed:
            self.give_up("the client left")
            return
        done = "finishing its response" if self.phase > FIRST else "sending a response"
        self.port.log.error("The ASGI app returned without %s: %s", done, self.name())
        self.give_up(f"the app returned without {done}")

    def give_up(self, reason: str) -> None:
        """Answers 500 when nothing was sent, else breaks the connection: a client must not take half for whole."""
        if self.phase == OVER:
            return
        if self.phase <= FIRST and not self.has_left:
            self.status, self.flags, self.length = 500, HAS_LENGTH, len(SERVER_ERROR)
            self.lines = _SERVER_ERROR_LINES
            self.port.write(self.head_frame(END, b"" if self.scope["method"] == "HEAD" else SERVER_ERROR))
        else:
            self.abort(reason)
        self.end()

    # --- the port's side ----------------------------------------------------------------------------------------------------

    def on_body(self, payload: bytes, is_end: bool) -> None:
        if self.body_ended:
            return
        if payload:
            self._body.append(payload)
        self.body_ended = is_end
        self.wake()

    def on_credit(self, count: int) -> None:
        self.credit += count
        self.wake()

    def on_file_reply(self, is_open: bool) -> None:
        self.file_reply = is_open
        self.wake()

    def on_notice(self) -> None:
        self._is_noticed = True
        self.wake()

    def on_left(self) -> None:
        self.has_left = True
        self.wake()


def as_bytes(body: Any) -> bytes:
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    raise TypeError(f"a body must be bytes, not {type(body).__name__}")
