"""One WSGI response on its way to the front: start_response, write(), chunks, credit, and how it can fail.

    fresh ──start_response──► headed ──first byte──► sent ──last byte──► ended
      └───────────────────────── end / fail ─────────────────────────────┘

It never refers to the environ, which refers to it: a cycle per request would feed the garbage collector.
"""

from __future__ import annotations

from time import perf_counter

from .fields import FieldError, pack_fields, pack_status
from .wire import (
    BODY,
    BODY_BYTES_MAX,
    END,
    HAS_LENGTH,
    pack_abort,
    pack_deadline,
    pack_file,
    pack_frame,
    pack_frame_head,
    pack_inform,
    pack_response,
    pack_response_head,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Sequence

    from .files import FilePart
    from .session import Output, Session, Stream

#: A body this long is not copied on its way to the link.
UNCOPIED_BYTES_MIN = 16_384
#: A streaming thread looks for CANCEL at most so often (seconds).
POLL_SECONDS = 0.05
#: RFC 9110 section 9.2.2.
IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"))
ERROR_STATUS = "500 Internal Server Error"
ERROR_BODY = b"<!doctype html>\n<title>Internal Server Error</title>\n<h1>Internal Server Error</h1>\n"
#: The front knows by it that the body is a report (docs/wire.md), and makes a page.
REPORT_BLOCK = b"content-type: application/vnd.tunicorn.failure+json\r\ncontent-length: %d\r\n\r\n"
_ERROR_BLOCK = b"Content-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(ERROR_BODY)


class WsgiError(Exception):
    """The app broke PEP 3333; the message names what it did."""


class Response:
    #: The header lines of start_response; None before it was called.
    lines: bytes | None = None
    #: Head flags that they imply.
    flags: int = 0
    #: Content-Length that the app promised; -1: none.
    length: int = -1
    status: int = 0
    reason: bytes = b""
    is_sent: bool = False
    is_ended: bool = False
    #: Body bytes that the app gave (at most Content-Length), and those that left.
    body_bytes: int = 0
    sent_bytes: int = 0
    started: float = 0.0
    #: When the link was last looked at for CANCEL.
    polled: float = 0.0
    #: The app gave more body bytes than its Content-Length.
    is_cut: bool = False

    def __init__(self, session: Session, stream: Stream, method: str) -> None:
        self._session = session
        self._stream = stream
        self._is_head = method == "HEAD"
        self._is_idempotent = method in IDEMPOTENT

    # -- what the app calls

    def start_response(
        self, status: str, headers: Iterable[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if exc_info:
            try:
                if self.is_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # PEP 3333: no cycle through the traceback
        elif self.lines is not None:
            raise WsgiError("start_response was called twice without exc_info")
        if isinstance(headers, (str, bytes, dict)):
            raise FieldError(f"headers must be a list of (name, value) tuples, not {type(headers).__name__}")
        self.status, self.reason = pack_status(status)
        self.lines, self.flags, self.length = pack_fields(headers, str)
        return self.write

    def write(self, data: bytes) -> None:
        """PEP 3333's imperative way out. Raises BrokenPipeError when the client has left."""
        if not isinstance(data, bytes):
            raise WsgiError(f"write() takes bytes, not {type(data).__name__}")
        if data and not self.push(data):
            raise BrokenPipeError("the client left")

    def early_hints(self, headers: Iterable[tuple[str, str]]) -> None:
        """environ["wsgi.early_hints"]: 103 Early Hints (RFC 8297), before the response has begun."""
        if not self.is_sent and not self._stream.is_gone:
            lines, _, _ = pack_fields(headers, str)
            self._session.send(pack_inform(self._stream.number, 103, lines + b"\r\n"))

    def client_disconnected(self) -> bool:
        """environ["tunicorn.client_disconnected"]: True when nobody waits for this response any more, or
        soon nobody will: an event stream does well to end.
        """
        self._poll(perf_counter())
        return self._stream.is_gone or self._stream.is_noticed

    def set_timeout(self, seconds: float | None) -> None:
        """environ["tunicorn.set_timeout"]: another --timeout for this request, from now on; None or 0 for none."""
        frame = pack_deadline(self._stream.number, seconds)
        if not self.is_ended and not self._stream.is_gone:
            self._session.send(frame)

    # -- what the runner calls

    def finish_whole(self, parts: Sequence[bytes]) -> None:
        """The complete body at once: one frame, and a Content-Length when the app gave none."""
        for part in parts:
            if not isinstance(part, bytes):
                raise WsgiError(f"the body must be bytes, not {type(part).__name__}")
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        length = len(body)
        self.require_start()
        if self.length < 0 and not self.is_sent:
            self._set_length(length)
        if (
            length <= BODY_BYTES_MAX
            and not self.is_sent
            and self.length in (length, -1)
            and not self._has_no_body()
        ):
            self._end_with(body)
        else:
            self.push(body)
            self.finish()

    def push(self, chunk: bytes) -> bool:
        """Sends body bytes, waiting for credit. False: the client is gone, stop producing."""
        stream = self._stream
        self.require_start()
        self._poll(perf_counter())
        if stream.is_gone:
            return False
        chunk = self._within_length(chunk)
        if not self._has_no_body():
            for at in range(0, len(chunk), BODY_BYTES_MAX):
                if not self._push_piece(chunk[at : at + BODY_BYTES_MAX]):
                    return False
            if not self.is_ended:
                self._session.flush()
        return True

    def finish(self) -> None:
        """The app has no more to say."""
        self.require_start()
        if self.is_ended:
            return
        missing = 0 if self._has_no_body() else self.length - self.body_bytes
        if self._stream.is_gone:
            self.give_up()
        elif missing > 0:
            raise WsgiError(f"the body is {missing} bytes shorter than its Content-Length of {self.length}")
        else:
            self._end_with(b"")

    def require_start(self) -> None:
        if self.lines is None:
            raise WsgiError("start_response was not called before the body")

    def offer_file(self, part: FilePart) -> bool:
        """Asks the front to send the body from the file. False: it cannot, or there is nothing to send."""
        self.require_start()
        if self.is_sent or self._has_no_body() or self.length > part.length or self._stream.is_gone:
            return False
        if self.length < 0:
            self._set_length(part.length)
        place = (part.offset, self.length, part.device, part.inode, part.path)
        head = self._head_frame(b"", 0, perf_counter())
        assert isinstance(head, bytes)  # it has no body
        self._session.send(pack_file(head, *place))
        if not self._session.wait(self._stream, _has_file_reply):
            return False
        if self._stream.file_reply:
            self.is_ended = self.is_sent = True
            self._session.forget(self._stream)
        return self.is_ended

    def fail(self, reason: str, report: bytes = b"") -> None:
        """500 when nothing was sent; else the connection breaks, so that the client cannot take half for
        the whole. `report`: what a developer gets to see (development.py).
        """
        if self.is_ended:
            return
        if self._stream.is_gone:
            self.give_up()
        elif self.is_sent:
            self._end(pack_abort(self._stream.number, reason), perf_counter())
        else:
            body, block = (report, REPORT_BLOCK % len(report)) if report else (ERROR_BODY, _ERROR_BLOCK)
            self.status, self.reason, self.length = 500, b"", len(body)
            body = b"" if self._is_head else body
            micros = int((perf_counter() - self.started) * 1e6)
            head = (self._stream.number, END, 500, HAS_LENGTH, b"", block, body, self.length, micros)
            self._end(pack_response(*head), perf_counter())

    def give_up(self) -> None:
        self.is_ended = True
        self._session.give_up(self._stream)

    # -- inside

    def _has_no_body(self) -> bool:
        """RFC 9110 §6.4.1: HEAD, 204 and 304 have none, whatever the app returns."""
        return self._is_head or self.status == 204 or self.status == 304

    def _set_length(self, length: int) -> None:
        if self.status == 204 or self.status == 304 or (self._is_head and length == 0):
            return
        self.length = length
        self.lines = b"%sContent-Length: %d\r\n" % (self.lines, length)

    def _within_length(self, chunk: bytes) -> bytes:
        """The part of the chunk that fits into Content-Length; counted."""
        if 0 <= self.length < self.body_bytes + len(chunk):
            self.is_cut = not self._has_no_body()
            chunk = chunk[: self.length - self.body_bytes]
        self.body_bytes += len(chunk)
        return chunk

    def _push_piece(self, piece: bytes) -> bool:
        stream = self._stream
        while piece:
            if stream.credit <= 0 and not self._session.wait(stream, _has_credit):
                return False
            part = piece if len(piece) <= stream.credit else piece[: stream.credit]
            piece = piece[len(part) :]
            stream.credit -= len(part)
            self._send_part(part)
        return not stream.is_gone

    def _send_part(self, part: bytes) -> None:
        """With a promised length the last byte ends the stream: the app's own end (close(), a generator's
        tail) may take long.
        """
        self.sent_bytes += len(part)
        if self.sent_bytes == self.length:
            self._end_with(part)
        elif self.is_sent:
            self._session.output.append(self._body_frame(0, part))
        else:
            self.is_sent = True
            self._session.output.append(self._head_frame(part, 0, perf_counter()))

    def _poll(self, now: float) -> None:
        if now - self.polled > POLL_SECONDS:
            self.polled = now
            self._session.poll()

    def _head_frame(self, body: bytes, end: int, now: float) -> Output:
        head = pack_response_head(
            self._stream.number,
            end,
            self.status,
            self.flags | HAS_LENGTH if self.length >= 0 else self.flags,
            self.reason,
            (self.lines or b"") + b"\r\n",
            len(body),
            self.length if self.length > 0 else 0,
            int((now - self.started) * 1e6),
        )
        return head + body if len(body) < UNCOPIED_BYTES_MIN else (head, body)

    def _body_frame(self, end: int, body: bytes) -> Output:
        if len(body) < UNCOPIED_BYTES_MIN:
            return pack_frame(self._stream.number, BODY, end, body)
        return pack_frame_head(self._stream.number, BODY, end, len(body)), body

    def _end_with(self, body: bytes) -> None:
        """The last frame: a whole response, or the end of one that has begun."""
        now = perf_counter()
        if self.is_sent:
            frame = self._body_frame(END, body)
        else:
            frame = self._head_frame(body, END, now)
        self.is_sent = True
        self._end(frame, now)

    def _end(self, frame: Output, now: float) -> None:
        """Nobody may run a POST again: its answer must not be lost with the worker, should the next request end that."""
        self.is_ended = True
        self._session.end(self._stream, frame, now)
        if not self._is_idempotent:
            self._session.flush()


def _has_credit(stream: Stream) -> bool:
    return stream.credit > 0


def _has_file_reply(stream: Stream) -> bool:
    return stream.file_reply is not None
