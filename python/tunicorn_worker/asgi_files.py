"""Response bodies out of files: the ASGI extensions http.response.pathsend and http.response.zerocopysend."""

from __future__ import annotations

import asyncio
import os

from .cycle import ClientLeft
from .wire import HAS_LENGTH, HAS_TRAILERS, pack_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .asgi import HttpCycle
    from .cycle import Message

#: Bytes read at once where this worker sends the file itself.
CHUNK_BYTES = 65_536


async def send_path(cycle: HttpCycle, message: Message) -> None:
    """The whole file as the rest of the response, sent by the front; by this worker when the front cannot open it."""
    path = os.path.abspath(os.fspath(message["path"]))
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        await _send_file(cycle, descriptor, path)
    finally:
        os.close(descriptor)


async def _send_file(cycle: HttpCycle, descriptor: int, path: str | bytes) -> None:
    status = os.fstat(descriptor)
    count = status.st_size
    if not cycle.flags & HAS_LENGTH:
        cycle.set_length(count)
    elif count != cycle.length and not cycle.is_bodiless:
        raise RuntimeError(f"the file has {count} bytes, but Content-Length says {cycle.length}")
    if count and not cycle.is_bodiless and not cycle.flags & HAS_TRAILERS:
        place = (0, count, status.st_dev, status.st_ino, os.fsencode(path))
        cycle.port.write(pack_file(cycle.head_frame(0, b""), *place))
        cycle.file_reply = None
        while cycle.file_reply is None and not cycle.has_left:
            await cycle.wait()
        if cycle.has_left:
            raise ClientLeft("the client has left")
        if cycle.file_reply:
            cycle.end()
            return
    await _copy(cycle, descriptor, 0, count, False)


async def send_descriptor(cycle: HttpCycle, message: Message) -> None:
    """A piece of an open file: `count` bytes from `offset`, or from where it stands, which then moves on."""
    file = message["file"]
    descriptor = file if isinstance(file, int) else file.fileno()
    offset = message.get("offset")
    is_positioned = offset is not None
    if offset is None:
        offset = os.lseek(descriptor, 0, os.SEEK_CUR)
    count = message.get("count")
    if count is None:
        count = max(0, os.fstat(descriptor).st_size - offset)
    await _copy(cycle, descriptor, offset, count, message.get("more_body", False))
    if not is_positioned:
        os.lseek(descriptor, offset + count, os.SEEK_SET)


async def _copy(cycle: HttpCycle, descriptor: int, offset: int, count: int, more: bool) -> None:
    """Read in a thread: a file on a slow disk must not hold the loop."""
    loop = asyncio.get_running_loop()
    left = 0 if cycle.is_bodiless else count
    if left == 0:
        await cycle.send_body(b"", more)
    while left:
        piece = await loop.run_in_executor(None, os.pread, descriptor, min(CHUNK_BYTES, left), offset)
        if not piece:
            raise RuntimeError("the file is shorter than it was when the response began")
        offset += len(piece)
        left -= len(piece)
        await cycle.send_body(piece, more or left > 0)
