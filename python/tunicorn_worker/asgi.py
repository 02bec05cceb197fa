"""One HTTP request of an ASGI 3 app: its receive and send (ASGI HTTP specification 2.4; peers.md §4.4).

No sockets and no loop of its own: frames go to a port, which sends together what one turn of the loop produced.
"""

from __future__ import annotations

import asyncio
import os
from time import perf_counter

from .asgi_head import HeadError, header_block
from .wire import (
    BODY,
    BODY_BYTES_MAX,
    CREDIT_INITIAL,
    END,
    HAS_LENGTH,
    HAS_TRAILERS,
    TRAILERS,
    pack_abort,
    pack_credit,
    pack_file,
    pack_frame,
    pack_inform,
    pack_response,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Any, Awaitable, Callable, Dict, List, Protocol

    Message = Dict[str, Any]
    App = Callable[[Any, Any, Any], Awaitable[None]]

    class Port(Protocol):
        """Where a stream's frames go, and who is told of its end."""

        log: logging.Logger

        def write(self, frame: bytes) -> None: ...

        async def wait_for_room(self) -> None:
            """While the front does not keep up."""

        def ended(self, stream: int) -> None: ...


#: What this worker can do on HTTP (ASGI extensions).
EXTENSIONS: Dict[str, Dict[str, Any]] = {
    "http.response.pathsend": {},
    "http.response.zerocopysend": {},
    "http.response.early_hint": {},
    "http.response.trailers": {},
}

#: Request body bytes that the front sends ahead of the app's receive (docs/wire.md).
REQUEST_WINDOW = 65_536
#: Bytes read from a file at once when the front cannot open it.
FILE_CHUNK_BYTES = 65_536

# Phases of a response:  HEAD ──start──► FIRST ──body──► STREAM ──last body──► (TRAILER ──►) OVER
HEAD, FIRST, STREAM, TRAILER, OVER = range(5)
PHASE_NAMES = (
    "http.response.start",
    "a body message",
    "a body message",
    "http.response.trailers",
    "nothing more",
)


class ClientLeft(OSError):
    """Raised by send after the client has left (ASGI HTTP specification 2.4)."""


class HttpCycle:
    """The app's side of one request. The port calls `on_…`; the app calls receive and send, from any of its tasks."""

    __slots__ = (
        "_block", "_body", "_body_ended", "_credit", "_flags", "_has_left", "_is_bodiless", "_is_body_told", "_length", "_phase",
        "_port", "_sent", "_started_at", "_status", "_waiters", "_window_due", "_awaits_credit", "_file_reply", "scope", "stream",
    )  # fmt: skip

    def __init__(self, port: Port, stream: int, scope: Message, has_body: bool, awaits_credit: bool) -> None:
        self.stream = stream
        self.scope = scope
        self._port = port
        self._body: List[bytes] = []
        self._body_ended = not has_body
        #: The app was given the message that ends the body.
        self._is_body_told = False
        self._awaits_credit = awaits_credit
        self._window_due = 0
        self._has_left = False
        self._phase = HEAD
        self._credit = CREDIT_INITIAL
        self._sent = 0
        self._waiters: List[asyncio.Future[None]] | None = None
        self._file_reply: bool | None = None
        self._started_at = perf_counter()

    async def run(self, app: App) -> None:
        """Runs the app to its end; what it does wrong ends in the log and, as far as it can be told, at the client."""
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            self._give_up("the app's task was cancelled")
            raise
        except ClientLeft:
            self._port.log.debug("The client left while the app was answering %s", self._name())
        except Exception:
            self._port.log.error("Exception in ASGI application: %s", self._name(), exc_info=True)
            self._give_up("the app raised")
        except BaseException:
            self._give_up("the app ended the worker")
            raise
        else:
            if self._phase != OVER and not self._has_left:
                self._complain_of_unfinished_response()
        finally:
            self._port.ended(self.stream)

    # --- the app's side -------------------------------------------------------------------------------------------------------

    async def receive(self) -> Message:
        """Body as it comes; after its end, waits for the client to leave."""
        if self._body_ended and not self._body and not self._is_body_told:
            self._is_body_told = True
            return {"type": "http.request", "body": b"", "more_body": False}
        if self._awaits_credit:
            self._awaits_credit = False
            self._port.write(pack_credit(self.stream, REQUEST_WINDOW))
        while not self._has_left and not self._body and (self._is_body_told or not self._body_ended):
            await self._wait()
        return {"type": "http.disconnect"} if self._has_left else self._take_body()

    def _take_body(self) -> Message:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self._is_body_told = self._body_ended
        if not self._body_ended:
            self._give_credit(len(body))
        return {"type": "http.request", "body": body, "more_body": not self._body_ended}

    def _give_credit(self, count: int) -> None:
        self._window_due += count
        if self._window_due >= REQUEST_WINDOW // 4:
            self._port.write(pack_credit(self.stream, self._window_due))
            self._window_due = 0

    async def send(self, message: Message) -> None:
        """Raises ClientLeft (an OSError) once the client has left, RuntimeError for messages out of order."""
        kind = message["type"]
        if self._has_left:
            raise ClientLeft("the client has left")
        phase = self._phase
        if kind == "http.response.body" and (phase == FIRST or phase == STREAM):
            body = message.get("body", b"")
            more = message.get("more_body", False)
            if phase == FIRST and len(body) <= BODY_BYTES_MAX:
                self._send_first(body, more)
            else:
                await self._send_body(body, more)
        elif kind == "http.response.start" and phase == HEAD:
            self._start(message)
        elif kind == "http.response.early_hint" and phase == HEAD:
            self._send_early_hint(message)
        elif kind == "http.response.pathsend" and phase == FIRST:
            await self._send_path(message)
        elif kind == "http.response.zerocopysend" and (phase == FIRST or phase == STREAM):
            await self._send_descriptor(message)
        elif kind == "http.response.trailers" and phase == TRAILER:
            self._send_trailers(message)
        else:
            raise RuntimeError(f"expected {PHASE_NAMES[phase]}, but the app sent {kind!r}")

    # --- the response -----------------------------------------------------------------------------------------------------

    def _start(self, message: Message) -> None:
        status = message["status"]
        if not isinstance(status, int) or not 200 <= status <= 999:
            raise HeadError(f"a response status must be an int from 200 to 999, not {status!r}")
        self._block, self._flags, self._length = header_block(message.get("headers", ()))
        self._status = int(status)
        self._is_bodiless = status in (204, 304) or self.scope["method"] == "HEAD"
        if message.get("trailers", False):
            self._flags |= HAS_TRAILERS
        self._phase = FIRST

    def _send_first(self, body: bytes, more: bool) -> None:
        """The head with the first body bytes; all of it when there is no more, then with a Content-Length."""
        flags = self._flags
        is_last = not more and not flags & HAS_TRAILERS
        if is_last and not flags & HAS_LENGTH and not self._is_bodiless:
            self._length = len(body)
            self._flags = flags = flags | HAS_LENGTH
            self._block = b"content-length: %d\r\n%b" % (len(body), self._block)
        body = self._admit(body, not more)
        self._credit -= len(body)
        self._phase = STREAM
        self._port.write(self._response_frame(END if is_last else 0, body))
        if not more:
            self._finish()

    def _response_frame(self, end: int, body: bytes) -> bytes:
        length = self._length if self._flags & HAS_LENGTH else 0
        micros = int((perf_counter() - self._started_at) * 1e6)
        return pack_response(
            self.stream, end, self._status, self._flags, b"", self._block, body, length, micros
        )

    def _finish(self) -> None:
        self._phase = TRAILER if self._flags & HAS_TRAILERS else OVER

    def _admit(self, body: bytes, is_last: bool) -> bytes:
        """Counts body bytes against Content-Length. RuntimeError for too many or too few, as uvicorn raises it."""
        if self._is_bodiless:
            return b""
        self._sent += len(body)
        if self._flags & HAS_LENGTH:
            if self._sent > self._length:
                raise RuntimeError(
                    f"the body has more bytes ({self._sent}) than its Content-Length ({self._length})"
                )
            if is_last and self._sent < self._length:
                raise RuntimeError(
                    f"the body ended after {self._sent} of {self._length} bytes (Content-Length)"
                )
        return body

    async def _send_body(self, body: bytes, more: bool) -> None:
        if self._phase == FIRST:
            self._open_stream()
        view = memoryview(self._admit(body, not more))
        while view and self._phase == STREAM:
            await self._wait_for_credit()
            piece = view[: min(BODY_BYTES_MAX, self._credit)]
            self._credit -= len(piece)
            view = view[len(piece) :]
            end = END if not view and not more and not self._flags & HAS_TRAILERS else 0
            self._port.write(pack_frame(self.stream, BODY, end, bytes(piece)))
            if end:
                self._phase = OVER
        await self._port.wait_for_room()
        if not more and self._phase == STREAM:
            if not self._flags & HAS_TRAILERS:
                self._port.write(pack_frame(self.stream, BODY, END, b""))
            self._finish()

    def _open_stream(self) -> None:
        self._phase = STREAM
        self._port.write(self._response_frame(0, b""))

    async def _wait_for_credit(self) -> None:
        while self._credit <= 0:
            if self._has_left:
                raise ClientLeft("the client has left")
            await self._wait()
        if self._has_left:
            raise ClientLeft("the client has left")

    def _send_early_hint(self, message: Message) -> None:
        """103 with Link fields (RFC 8297)."""
        block, _, _ = header_block([(b"link", link) for link in message["links"]])
        self._port.write(pack_inform(self.stream, 103, block))

    def _send_trailers(self, message: Message) -> None:
        block, flags, _ = header_block(message.get("headers", ()))
        if flags & HAS_LENGTH:
            raise HeadError("Content-Length must not stand among trailers (RFC 9110 section 6.5.1)")
        if message.get("more_trailers", False):
            raise RuntimeError("trailers in several messages are not supported: send them in one")
        self._port.write(pack_frame(self.stream, TRAILERS, END, block))
        self._phase = OVER

    async def _send_path(self, message: Message) -> None:
        """The whole file as the rest of the response, sent by the front; by this worker when the front cannot open it."""
        path = os.path.abspath(os.fspath(message["path"]))
        with open(path, "rb") as file:
            await self._send_file(file.fileno(), 0, os.fstat(file.fileno()).st_size, path)

    async def _send_descriptor(self, message: Message) -> None:
        """zerocopysend: a piece of an open file, `count` bytes from `offset` or from where it stands."""
        file = message["file"]
        descriptor = file if isinstance(file, int) else file.fileno()
        offset = message.get("offset")
        if offset is None:
            offset = os.lseek(descriptor, 0, os.SEEK_CUR)
        count = message.get("count")
        if count is None:
            count = max(0, os.fstat(descriptor).st_size - offset)
        more = message.get("more_body", False)
        await self._copy_file(descriptor, offset, count, more)

    async def _send_file(self, descriptor: int, offset: int, count: int, path: str) -> None:
        if not self._flags & HAS_LENGTH:
            self._flags |= HAS_LENGTH
            self._length = count
            self._block = b"content-length: %d\r\n%b" % (count, self._block)
        if self._is_bodiless or self._flags & HAS_TRAILERS or not count:
            await self._copy_file(descriptor, offset, count, False)
            return
        if count != self._length:
            raise RuntimeError(f"the file has {count} bytes, but Content-Length says {self._length}")
        status = os.fstat(descriptor)
        head = self._response_frame(0, b"")
        self._port.write(pack_file(head, offset, count, status.st_dev, status.st_ino, os.fsencode(path)))
        self._file_reply = None
        while self._file_reply is None and not self._has_left:
            await self._wait()
        if self._file_reply:
            self._phase = OVER
        elif not self._has_left:
            await self._copy_file(descriptor, offset, count, False)

    async def _copy_file(self, descriptor: int, offset: int, count: int, more: bool) -> None:
        if self._is_bodiless:
            count = 0
        loop = asyncio.get_running_loop()
        while count:
            piece = await loop.run_in_executor(
                None, os.pread, descriptor, min(FILE_CHUNK_BYTES, count), offset
            )
            if not piece:
                raise RuntimeError("the file is shorter than it was when the response began")
            offset += len(piece)
            count -= len(piece)
            await self._send_body(piece, more or count > 0)
        if self._phase != OVER and not more:
            await self._send_body(b"", False)

    # --- the end ------------------------------------------------------------------------------------------------------------

    def _give_up(self, reason: str) -> None:
        """Answers 500 when nothing was sent, else breaks the connection: a client must not take half for whole."""
        if self._has_left or self._phase == OVER:
            return
        if self._phase <= FIRST:
            self._status, self._flags, self._length = 500, HAS_LENGTH, len(SERVER_ERROR)
            self._block = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n\r\n" % len(
                SERVER_ERROR
            )
            self._port.write(
                self._response_frame(END, b"" if self.scope["method"] == "HEAD" else SERVER_ERROR)
            )
        else:
            self._port.write(pack_abort(self.stream, reason))
        self._phase = OVER

    def _complain_of_unfinished_response(self) -> None:
        done = "sending a response" if self._phase <= FIRST else "finishing its response"
        self._port.log.error("The ASGI app returned without %s: %s", done, self._name())
        self._give_up(f"the app returned without {done}")

    def _name(self) -> str:
        return f"{self.scope['method']} {self.scope['path']}"

    # --- the port's side ----------------------------------------------------------------------------------------------------

    def on_body(self, payload: bytes, is_end: bool) -> None:
        if payload:
            self._body.append(payload)
        self._body_ended = self._body_ended or is_end
        self._wake()

    def on_credit(self, count: int) -> None:
        self._credit += count
        self._wake()

    def on_file_reply(self, is_open: bool) -> None:
        self._file_reply = is_open
        self._wake()

    def on_left(self) -> None:
        """The client left, or the front gave the request up."""
        self._has_left = True
        self._wake()

    async def _wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        if self._waiters is None:
            self._waiters = []
        self._waiters.append(waiter)
        await waiter

    def _wake(self) -> None:
        waiters = self._waiters
        if waiters:
            self._waiters = None
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)


SERVER_ERROR = b"Internal Server Error"
