"""An app's status and header list to the ready-made head of docs/wire.md: validated, hop-by-hop fields
removed.

RFC 9110 §5: names are tokens, values have no control characters but HTAB. Apps repeat their lines, so each
(name, value) pair is checked once and its bytes are kept, within a bound.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable

LINES_MAX = 1_024
LINE_CHARS_KEPT_MAX = 512
LENGTH_MAX = 2**53
STATUSES_MAX = 128
REASON_BYTES_MAX = 255

#: RFC 9110 §7.6.1 and PEP 3333 ("Other HTTP Features"): these belong to the connection. Server and Date are
#: the front's.
_DROPPED = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "server",
        "date",
    ]
)
#: Fields whose values rarely repeat would only wash the others out of the memory.
_VOLATILE = frozenset(
    ["set-cookie", "etag", "location", "last-modified", "expires", "x-request-id", "x-runtime", "link", "age"]
)
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
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
_lines: dict[tuple[str, str], bytes] = {}
_lengths: dict[tuple[str, str], int] = {}


class FieldError(ValueError):
    """The app gave a status or header that must not be sent."""


def pack_status(status: str) -> tuple[int, bytes]:
    """Code and reason; b"" for the standard phrase."""
    packed = _statuses.get(status)
    if packed is None:
        packed = _parse_status(status)
        _keep(_statuses, status, packed, STATUSES_MAX)
    return packed


def pack_fields(headers: Iterable[tuple[str, str]]) -> tuple[bytes, int]:
    """The header lines, without the blank one, and Content-Length (-1: none)."""
    length = -1
    lines: list[bytes] = []
    known_lines = _lines
    for item in headers:
        try:
            line = known_lines.get(item)
        except TypeError:  # a list as pair: PEP 3333 wants tuples, gunicorn takes it
            item = _as_pair(item)
            line = known_lines.get(item)
        if line is not None:
            lines.append(line)
            continue
        size = _lengths.get(item, -1)
        if size < 0:
            line, size = _check(item)
        if size < 0:
            lines.append(line or b"")
        elif length < 0:
            length = size
            lines.append(b"Content-Length: %d\r\n" % size)
        elif length != size:
            raise FieldError(f"two different Content-Length headers: {length} and {size}")
    return b"".join(lines), length


def _as_pair(item: Any) -> tuple[str, str]:
    pair = tuple(item) if isinstance(item, (list, tuple)) else item
    try:
        hash(pair)
    except TypeError:
        raise FieldError(f"a header must be a (name, value) tuple of str, not {item!r:.100}") from None
    return pair


def _check(item: Any) -> tuple[bytes, int]:
    """A pair not met before: its line and -1, or b"" and the Content-Length it says."""
    if not isinstance(item, tuple) or len(item) != 2:
        raise FieldError(f"a header must be a (name, value) tuple, not {item!r:.100}")
    name, value = item
    if not isinstance(name, str) or not isinstance(value, str):
        raise FieldError(f"header names and values must be str, not {item!r:.100}")
    if not _TOKEN.fullmatch(name):
        raise FieldError(f"invalid header name {name!r:.100}")
    lower = name.lower()
    if lower == "content-length":
        size = _parse_length(value)
        _keep(_lengths, item, size, LINES_MAX)
        return b"", size
    line = b"" if lower in _DROPPED else _line(name, value)
    if lower not in _VOLATILE and len(value) <= LINE_CHARS_KEPT_MAX:
        _keep(_lines, item, line, LINES_MAX)
    return line, -1


def _line(name: str, value: str) -> bytes:
    if _CONTROL.search(value):
        raise FieldError(f"control character in header {name}: {value!r:.100}")
    try:
        return f"{name}: {value.strip(' ' + chr(9))}\r\n".encode("latin-1")
    except UnicodeEncodeError:
        raise FieldError(f"header {name} is not latin-1: {value!r:.100}") from None


def _parse_length(value: str) -> int:
    text = value.strip(" \t")
    if not (text.isascii() and text.isdigit()) or len(text) > 16 or int(text) > LENGTH_MAX:
        raise FieldError(f"invalid Content-Length {value!r:.100}")
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
