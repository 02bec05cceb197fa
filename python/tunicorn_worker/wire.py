"""Frames between a front and a worker (docs/wire.md), without I/O: the twin of src/wire/.

All integers are little-endian; lengths are bytes. The worker's half: it reads what a front sends and packs
what a worker sends.
"""

from __future__ import annotations

from math import ceil
from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence, Tuple

    #: stream id, type, flags, payload.
    Frame = Tuple[int, int, int, bytes]

VERSION = 1

HELLO = 1
REQUEST = 2
BODY = 3
BODY_FILE = 4
RESPONSE = 5
INFORM = 6
FILE = 7
FILE_REPLY = 8
CREDIT = 9
CANCEL = 10
ABORT = 11
DRAIN = 12
TAKE_BACK = 13
TAKEN = 14
LEFT = 15
TRAILERS = 16
DEADLINE = 17
NOTICE = 18
WS_ACCEPT = 32
WS_TEXT = 33
WS_BINARY = 34
WS_CLOSE = 35

#: What a WebSocket message costs of the credit beyond its bytes: an empty one takes memory, too.
WS_MESSAGE_COST = 2_048

#: The sender sends nothing more on this stream.
END = 1
#: Causes of CANCEL.
CAUSE_CLIENT_LEFT = 1
CAUSE_DEADLINE = 2
CAUSE_FRONT_STOPS = 3
#: Of WS_TEXT and WS_BINARY: pieces of the same message follow.
MORE = 2
#: Of REQUEST: the body's first window is 0; the client waits for `100 Continue`.
AWAITS_CREDIT = 2

# Flags of a response head.
HAS_LENGTH = 1
HAS_SERVER = 2
HAS_DATE = 4
CLOSE = 8
NO_BUFFER = 16
HAS_TRAILERS = 32
NAMES_FILE = 64

HEADER_BYTES = 12
RESPONSE_HEAD_BYTES = 20
FRAME_BYTES_MAX = 1_048_576
#: Body bytes of one frame; a whole response of this length is one.
BODY_BYTES_MAX = 262_144
#: Body bytes that a stream may send before the front gives credit.
CREDIT_INITIAL = 262_144
STREAM_MAX = 0x7FFFFFFF
ABORT_REASON_BYTES_MAX = 1_024
#: 30 days.
DEADLINE_SECONDS_MAX = 2_592_000

_HEADER = Struct("<IIBBH")
_U32 = Struct("<I")
_U16 = Struct("<H")
_FILE = Struct("<QQQQ")
_pack_header = _HEADER.pack
# A frame header and a response head in one go: the hot path of every response.
_pack_response = Struct("<IIBBHHBBIIII").pack

#: What a worker may receive: type -> (belongs to a stream, payload bytes or -1 for any).
_RECEIVED = {
    REQUEST: (True, -1),
    BODY: (True, -1),
    BODY_FILE: (True, -1),
    FILE_REPLY: (True, 1),
    CREDIT: (True, 4),
    CANCEL: (True, 1),
    DRAIN: (False, 0),
    TAKE_BACK: (False, 0),
    LEFT: (True, 0),
    NOTICE: (True, 0),
    WS_TEXT: (True, -1),
    WS_BINARY: (True, -1),
    WS_CLOSE: (True, -1),
}


class FrameReader:
    """Bytes to frames. A fault sets `error` (ERR_WIRE_…) for good: the other end is ours, so it is a bug
    and the link closes.
    """

    def __init__(self) -> None:
        self.error = ""
        self._rest = b""

    def receive(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order."""
        if self._rest:
            data = self._rest + data
        frames: list[Frame] = []
        at = 0
        end = len(data)
        unpack = _HEADER.unpack_from
        while end - at >= HEADER_BYTES and not self.error:
            length, stream, kind, flags, _ = unpack(data, at)
            start = at + HEADER_BYTES
            stop = start + length
            if kind != REQUEST or stream == 0 or length > FRAME_BYTES_MAX:
                self.error = fault(length, stream, kind)
                if self.error:
                    break
            if stop > end:
                break
            frames.append((stream, kind, flags, data[start:stop]))
            at = stop
        self._rest = b"" if self.error or at == end else data[at:]
        return frames


def fault(length: int, stream: int, kind: int) -> str:
    """What is wrong with a frame of this header for a worker; "" when nothing is."""
    if length > FRAME_BYTES_MAX:
        return "ERR_WIRE_LENGTH"
    rule = _RECEIVED.get(kind)
    if rule is None:
        return "ERR_WIRE_TYPE"
    has_stream, size = rule
    if has_stream != (stream != 0) or stream > STREAM_MAX:
        return "ERR_WIRE_STREAM"
    if size not in (-1, length):
        return "ERR_WIRE_PAYLOAD"
    return ""


def credit_of(payload: bytes) -> int:
    granted: int = _U32.unpack(payload)[0]
    return granted


def pack_credit(stream: int, count: int) -> bytes:
    return _pack_header(4, stream, CREDIT, 0, 0) + _U32.pack(count)


def pack_deadline(stream: int, seconds: float | None) -> bytes:
    """None or 0: no time limit. Raises TypeError and ValueError for what is no number of seconds."""
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, (int, float))):
        raise TypeError(f"a time limit must be a number of seconds or None, not {seconds!r:.100}")
    if seconds is not None and not 0 <= seconds <= DEADLINE_SECONDS_MAX:
        raise ValueError(f"a time limit must be 0 to {DEADLINE_SECONDS_MAX} seconds, not {seconds!r}")
    millis = ceil((seconds or 0) * 1000)
    return _pack_header(4, stream, DEADLINE, 0, 0) + _U32.pack(millis)


def pack_frame(stream: int, kind: int, flags: int, payload: bytes) -> bytes:
    return _pack_header(len(payload), stream, kind, flags, 0) + payload


def pack_frame_head(stream: int, kind: int, flags: int, length: int) -> bytes:
    """What precedes a payload that is sent without being copied."""
    return _pack_header(length, stream, kind, flags, 0)


def pack_response(
    stream: int,
    end: int,
    status: int,
    head_flags: int,
    reason: bytes,
    block: bytes,
    body: bytes,
    content_length: int,
    micros: int,
) -> bytes:
    """A RESPONSE frame. `content_length` counts with HAS_LENGTH only, else it is 0; `end` is END or 0."""
    args = (stream, end, status, head_flags, reason, block, len(body), content_length, micros)
    return pack_response_head(*args) + body


def pack_response_head(
    stream: int,
    end: int,
    status: int,
    head_flags: int,
    reason: bytes,
    block: bytes,
    body_length: int,
    content_length: int,
    micros: int,
) -> bytes:
    """A RESPONSE frame up to its body, which is sent without being copied."""
    block_length = len(block)
    reason_length = len(reason)
    return (
        _pack_response(
            RESPONSE_HEAD_BYTES + reason_length + block_length + body_length,
            stream,
            RESPONSE,
            end,
            0,
            status,
            head_flags,
            reason_length,
            block_length,
            content_length & 0xFFFFFFFF,
            content_length >> 32,
            micros & 0xFFFFFFFF,
        )
        + reason
        + block
    )


def pack_file(response: bytes, offset: int, length: int, device: int, inode: int, path: bytes) -> bytes:
    """A FILE frame from a RESPONSE frame without body: its head, then where the body's bytes are."""
    payload = response[HEADER_BYTES:] + _FILE.pack(offset, length, device, inode) + path
    stream: int = _U32.unpack_from(response, 4)[0]
    return pack_frame(stream, FILE, 0, payload)


def pack_inform(stream: int, status: int, block: bytes) -> bytes:
    return pack_frame(stream, INFORM, 0, _U16.pack(status) + block)


def pack_abort(stream: int, reason: str) -> bytes:
    return pack_frame(stream, ABORT, END, reason.encode("utf-8", "replace")[:ABORT_REASON_BYTES_MAX])


def pack_taken(streams: Sequence[int]) -> bytes:
    return pack_frame(0, TAKEN, 0, Struct(f"<{len(streams) + 1}I").pack(len(streams), *streams))


def pack_hello(json_text: str) -> bytes:
    return pack_frame(0, HELLO, 0, json_text.encode())
