"""Bytes on their way into a non-blocking socket that may take less than it is given.

Short pieces are joined, long ones are never copied: what the socket did not take is remembered, not moved.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import List

#: Up to here copying pieces together is cheaper than telling the kernel of each.
JOINED_BYTES_MAX = 16_384
#: Pieces of one sendmsg; Linux takes 1024 (IOV_MAX).
PIECES_MAX = 512


class Outbox:
    #: Bytes that wait for room.
    unsent = 0

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._pieces: List[bytes | memoryview] = []

    def send(self, pieces: List[bytes]) -> bool:
        """As much as the socket takes now of what waits and of `pieces` behind it. False: it is dead."""
        self._pieces.extend(pieces)
        self.unsent += sum(map(len, pieces))
        try:
            sent = self._send_some()
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        self._drop(sent)
        return True

    def clear(self) -> None:
        self._pieces.clear()
        self.unsent = 0

    def _send_some(self) -> int:
        pieces = self._pieces
        if len(pieces) == 1:
            return self._sock.send(pieces[0])
        if self.unsent <= JOINED_BYTES_MAX:
            return self._sock.send(b"".join(pieces))
        return self._sock.sendmsg(pieces[:PIECES_MAX])

    def _drop(self, sent: int) -> None:
        pieces = self._pieces
        self.unsent -= sent
        if not self.unsent:
            pieces.clear()
            return
        whole = 0
        while sent >= len(pieces[whole]):
            sent -= len(pieces[whole])
            whole += 1
        del pieces[:whole]
        if sent:
            pieces[0] = memoryview(pieces[0])[sent:]
