"""An app's status and header list to the ready-made head of docs/wire.md: validated, hop-by-hop fields
removed.

RFC 9110 §5: names are tokens, values have no control characters but HTAB. Apps repeat their lines, so each
(name, value) pair is checked once and its bytes are kept, within a bound.
"""

from __future__ import annotations

import re

from .wire import CLOSE, HAS_DATE, HAS_LENGTH, HAS_SERVER, NAMES_FILE, NO_BUFFER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable

LINES_MAX = 1_024
LINE_CHARS_KEPT_MAX = 512
LENGTH_MAX = 2**53
STATUSES_MAX = 128
REASON_BYTES_MAX = 255

#: They belong to the connection, which is the front's (RFC 9110 §7.6.1; PEP 3333, "Other HTTP Features").
_CONNECTION = frozenset(
    ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"]
)
#: The front makes them: always for WSGI as gunicorn has it, where the app does not for ASGI as uvicorn has it.
_OURS = {"server": HAS_SERVER, "date": HAS_DATE}
#: The front is to send a file in place of the body.
_FILE_NAMES = frozenset(["x-sendfile", "x-accel-redirect"])
#: Fields whose values rarely repeat would only wash the others out of the memory.
_VOLATILE = frozenset(
    ("set-cookie", "etag", "location", "last-modified", "expires", "x-request-id", "x-runtime", "link", "age")
) | {"x-sendfile", "x-accel-redirect"}
is_token = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_STATUS = re.compile(r"([0-9]{3})(?: (.*))?", re.DOTALL)
#: Reason phrases that every table of RFC 9110 §15 agrees on: they need not travel.
_STANDARD = {
    200: "OK",
    201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content", 301: "Moved Permanently",
    302: "Found", 303: "See Other", 304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect",
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    409: "Conflict", 410: "Gone", 412: "Precondition Failed", 429: "Too Many Requests",
    500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip

_statuses: dict[str, tuple[int, bytes]] = {}
_lines: dict[Any, bytes] = {}
#: Those that say more than their line: head flags, Content-Length or -1.
_specials: dict[Any, tuple[bytes, int, int]] = {}


class FieldError(ValueError):
    """The app gave a status or header that must not be sent."""


def pack_status(status: str) -> tuple[int, bytes]:
    """Code and reason; b"" for the standard phrase."""
    packed = _statuses.get(status)
    if packed is None:
        packed = _parse_status(status)
        _keep(_statuses, status, packed, STATUSES_MAX)
    return packed


def pack_fields(headers: Iterable[Any], kind: type) -> tuple[bytes, int, int]:
    """The header lines, without the blank one; the head flags they imply; Content-Length (-1: none).

    `kind` is what names and values must be: str for WSGI (PEP 3333), bytes for ASGI; each character is one byte.
    """
    length = -1
    flags = 0
    lines: list[bytes] = []
    known = _lines
    for item in headers:
        try:
            line = known.get(item)
        except (
            TypeError
        ):  # a list as pair, or a bytearray in it: not what the specifications want, but all peers take it
            item = _as_pair(item)
            line = known.get(item)
        if line is None:
            line, implied, size = _specials.get(item) or _check(item, kind)
            flags |= implied
            if size >= 0:
                if length >= 0:
                    if length != size:
                        raise FieldError(f"two different Content-Length headers: {length} and {size}")
                    continue
                length = size
        lines.append(line)
    return b"".join(lines), flags, length


def pack_trailer_names(headers: Iterable[Any]) -> bytes:
    """The Trailer lines, which `pack_fields` leaves out: of use only before trailers (RFC 9110 §6.6.2)."""
    names: list[bytes] = []
    for item in headers:
        name, value = _as_text(_as_pair(item), bytes)
        if name.lower() != "trailer":
            continue
        if _CONTROL.search(value):
            raise FieldError(f"control character in header {name}: {value!r:.100}")
        names.append(b"%b: %b\r\n" % (name.encode("latin-1"), value.strip(" \t").encode("latin-1")))
    return b"".join(names)


def _as_pair(item: Any) -> tuple[Any, ...]:
    parts = item if isinstance(item, (list, tuple)) else (item,)
    pair = tuple(bytes(part) if isinstance(part, (bytearray, memoryview)) else part for part in parts)
    try:
        hash(pair)
    except TypeError:
        raise FieldError(
            f"a header must be a (name, value) tuple of str or bytes, not {item!r:.100}"
        ) from None
    return pair


def _check(item: Any, kind: type) -> tuple[bytes, int, int]:
    """A pair not met before: its line (empty: dropped), the head flags it implies, and the Content-Length it says or -1."""
    if not isinstance(item, tuple) or len(item) != 2:
        raise FieldError(f"a header must be a (name, value) tuple, not {item!r:.100}")
    name, value = _as_text(item, kind)
    if not is_token(name):
        raise FieldError(f"invalid header name {name!r:.100}")
    if _CONTROL.search(value):
        raise FieldError(f"control character in header {name}: {value!r:.100}")
    lower = name.lower()
    checked = _judge(lower, name, value.strip(" \t"), kind is bytes)
    if lower not in _VOLATILE and len(value) <= LINE_CHARS_KEPT_MAX:
        if checked[1]:
            _keep(_specials, item, checked, LINES_MAX)
        else:
            _keep(_lines, item, checked[0], LINES_MAX)
    return checked


def _as_text(item: tuple[Any, Any], kind: type) -> tuple[str, str]:
    name, value = item
    if not isinstance(name, kind) or not isinstance(value, kind):
        must = "str in WSGI" if kind is str else "bytes in ASGI"
        raise FieldError(f"header names and values must be {must}, not {item!r:.100}")
    if isinstance(name, bytes) and isinstance(value, bytes):
        return name.decode("latin-1"), value.decode("latin-1")
    return str(name), str(value)


def _judge(lower: str, name: str, value: str, is_asgi: bool) -> tuple[bytes, int, int]:
    if lower in _CONNECTION:
        closes = is_asgi and lower == "connection" and "close" in value.lower()
        return b"", CLOSE if closes else 0, -1
    if lower in _OURS and not is_asgi:
        return b"", 0, -1
    try:
        line = f"{name}: {value}\r\n".encode("latin-1")
    except UnicodeEncodeError:
        raise FieldError(f"header {name} is not latin-1: {value!r:.100}") from None
    if lower == "content-length":
        return line, HAS_LENGTH, _parse_length(value)
    return line, _implied_flags(lower, value.lower()), -1


def _implied_flags(lower: str, value: str) -> int:
    if lower in _OURS:
        return _OURS[lower]
    if lower in _FILE_NAMES:
        return NAMES_FILE
    is_unbuffered = lower == "x-accel-buffering" and value == "no"
    is_event_stream = lower == "content-type" and value.startswith("text/event-stream")
    return NO_BUFFER if is_unbuffered or is_event_stream else 0


def _parse_length(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 16 or int(text) > LENGTH_MAX:
        raise FieldError(f"invalid Content-Length {text!r:.100}")
    return int(text)


def _parse_status(status: Any) -> tuple[int, bytes]:
    if not isinstance(status, str):
        raise FieldError(f"the status must be str, not {type(status).__name__}")
    match = _STATUS.fullmatch(status)
    if match is None or _CONTROL.search(status):
        raise FieldError(f"the status must be three digits and a reason, not {status!r:.100}")
    code = int(match.group(1))
    if code < 200:
        raise FieldError(f"status {code} cannot end a request")
    reason = match.group(2) or ""
    if reason == _STANDARD.get(code):
        reason = ""
    try:
        return code, reason.encode("latin-1")[:REASON_BYTES_MAX]
    except UnicodeEncodeError:
        raise FieldError(f"the status is not latin-1: {status!r:.100}") from None


def _keep(memory: dict[Any, Any], key: Any, value: Any, limit: int) -> None:
    """A full memory starts anew: cheaper than ageing, and a healthy app never fills it."""
    if len(memory) >= limit:
        memory.clear()
    memory[key] = value
