"""Response heads of ASGI apps: validated once per header line, ready to be sent on HTTP/1.1 (RFC 9110 §5; docs/wire.md).

What a client could misread (CR, LF, NUL, other controls, names that are no tokens) raises HeadError and never leaves the worker.
"""

from __future__ import annotations

import re

from .wire import CLOSE, HAS_DATE, HAS_LENGTH, HAS_SERVER, NO_BUFFER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Tuple

    #: The line to send (empty: dropped), head flags it implies, Content-Length or -1.
    Line = Tuple[bytes, int, int]


class HeadError(ValueError):
    """The app gave a status or header that must not be sent."""


is_token = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
is_field_value = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*").fullmatch

#: They belong to the connection, which is the front's (RFC 9110 §7.6.1).
CONNECTION_FIELDS = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)

LINES_MAX = 2048
LINE_BYTES_KEPT = 512
_lines: Dict[Tuple[bytes, bytes], Line] = {}


def header_block(headers: Iterable[Any]) -> Tuple[bytes, int, int]:
    """The block with its blank line, the head flags it implies (HAS_LENGTH among them) and the Content-Length or -1.

    Raises HeadError.
    """
    flags = 0
    length = -1
    parts = []
    for name, value in headers:
        line = _lines.get((name, value)) or _read_line(name, value)
        parts.append(line[0])
        if line[1]:
            if line[1] & HAS_LENGTH:
                if flags & HAS_LENGTH and line[2] != length:
                    raise HeadError(f"two Content-Length headers that differ: {length} and {line[2]}")
                if flags & HAS_LENGTH:
                    parts.pop()
                length = line[2]
            flags |= line[1]
    parts.append(b"\r\n")
    return b"".join(parts), flags, length


def _read_line(name: object, value: object) -> Line:
    if not isinstance(name, (bytes, bytearray)) or not isinstance(value, (bytes, bytearray)):
        raise HeadError(f"a header must be two byte strings, not {name!r}: {value!r}")
    name, value = bytes(name), bytes(value)
    if not is_token(name):
        raise HeadError(f"a header name must be a token (RFC 9110 section 5.1): {name!r}")
    if not is_field_value(value):
        raise HeadError(f"the header {name.decode()!r} holds a control character: {value[:200]!r}")
    line = _classify(name, value.strip(b" \t"))
    if len(line[0]) <= LINE_BYTES_KEPT:
        if len(_lines) >= LINES_MAX:
            _lines.clear()
        _lines[name, value] = line
    return line


def _classify(name: bytes, value: bytes) -> Line:
    lower = name.lower()
    text = b"%b: %b\r\n" % (name, value)
    if lower == b"connection":
        return b"", CLOSE if b"close" in value.lower() else 0, -1
    if lower in CONNECTION_FIELDS:
        return b"", 0, -1
    if lower == b"content-length":
        if not value.isdigit() or int(value) > 2**53:
            raise HeadError(f"Content-Length must be a number of bytes: {value!r}")
        return text, HAS_LENGTH, int(value)
    return text, _implied_flags(lower, value), -1


def _implied_flags(lower: bytes, value: bytes) -> int:
    if lower == b"server":
        return HAS_SERVER
    if lower == b"date":
        return HAS_DATE
    is_unbuffered = lower == b"x-accel-buffering" and value.lower() == b"no"
    is_event_stream = lower == b"content-type" and value.lower().startswith(b"text/event-stream")
    return NO_BUFFER if is_unbuffered or is_event_stream else 0
