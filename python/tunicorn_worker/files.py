"""wsgi.file_wrapper (PEP 3333, "Optional Platform-Specific File Handling"): which files the front may send
by itself.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class FilePart:
    """A regular file from where its reader stands to its end."""

    def __init__(self, path: bytes, offset: int, status: os.stat_result) -> None:
        self.path = path
        self.offset = offset
        self.length = status.st_size - offset
        self.device = status.st_dev
        self.inode = status.st_ino


class FileWrapper:
    """environ["wsgi.file_wrapper"]: an iterable of blocks, or a hint that the file can be sent whole."""

    def __init__(self, filelike: Any, blksize: int = 8192) -> None:
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self) -> FileWrapper:
        return self

    def __next__(self) -> bytes:
        data: bytes = self.filelike.read(self.blksize)
        if not data:
            raise StopIteration
        return data


def part_of(filelike: Any) -> FilePart | None:
    """None when the front could not open the very same file: no descriptor, no path, another file under its
    name.
    """
    try:
        own = os.fstat(filelike.fileno())
        offset = filelike.tell()
        path = os.path.abspath(os.fsencode(filelike.name))
        other = os.stat(path)
    except (AttributeError, OSError, ValueError, TypeError):
        return None  # not a plain file object: it is streamed
    is_same = (own.st_dev, own.st_ino) == (other.st_dev, other.st_ino)
    if not is_same or not stat.S_ISREG(own.st_mode) or offset > own.st_size:
        return None
    return FilePart(path, offset, own)
