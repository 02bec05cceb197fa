"""The threads that run a WSGI app: one (sync) or N (gthread), the main thread being the first of them.

no link ──attach──► serving ──the link ends, drained or lost──► no link ──stop──► end
"""

from __future__ import annotations

import os
import socket
import threading
import traceback
from time import perf_counter

from . import inheritance
from .session import Session
from .stacks import thread_stacks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, List

    from .session import Stream

    Run = Callable[[Session, Stream], None]

READ_BYTES = 65_536
#: Up to here copying parts together is cheaper than telling the kernel of each.
JOINED_BYTES_MAX = 16_384
#: Parts of one sendmsg; Linux takes 1024 (IOV_MAX).
PARTS_MAX = 512
EXIT_FAULT = 70


class SocketTransport:
    """A blocking stream socket as a session sees it. Errors are the end: the front's end died or closed."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def recv(self) -> bytes:
        try:
            return self._sock.recv(READ_BYTES)
        except OSError:
            return b""

    def recv_now(self) -> bytes | None:
        try:
            return self._sock.recv(READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def send(self, parts: List[bytes]) -> bool:
        try:
            if len(parts) == 1:
                self._sock.sendall(parts[0])
            elif sum(map(len, parts)) <= JOINED_BYTES_MAX:
                self._sock.sendall(b"".join(parts))
            else:
                self._send_unjoined(parts)
        except OSError:
            return False
        return True

    def _send_unjoined(self, parts: List[bytes]) -> None:
        views = [memoryview(part) for part in parts]
        while views:
            sent = self._sock.sendmsg(views[:PARTS_MAX])
            first = 0
            while first < len(views) and sent >= len(views[first]):
                sent -= len(views[first])
                first += 1
            views = views[first:]
            if views:
                views[0] = views[0][sent:]

    def shut(self) -> None:
        try:
            self._sock.shutdown(socket.SHUT_RD)
        except OSError:
            pass  # the other end is gone: recv says so by itself


class Link:
    """A session and its socket, which closes when the last thread has left the session."""

    def __init__(self, sock: socket.socket) -> None:
        self.session = Session(SocketTransport(sock), threading.Lock(), threading.Condition, threading.Lock())
        self.sock = sock
        self.members = 0
        self.is_over = False


class Slot:
    """What one thread is doing; written by it alone, read by the control thread."""

    is_busy = False
    requests = 0
    since = 0.0


class Pool:
    interface = "wsgi"
    #: From a quick stop to os._exit.
    quick_seconds = 0.5
    #: Nothing to watch: only an event loop can be blocked by one of its requests.
    watch = None

    def __init__(self, threads: int, on_link_end: Callable[[Link], None]) -> None:
        self.slots: list[Slot] = [Slot() for _ in range(threads)]
        self._on_link_end = on_link_end
        self._changed = threading.Condition()
        self._link: Link | None = None
        self.is_stopping = False
        self._is_quick = False
        self._helpers = 0

    def serve(self, run: Run) -> None:
        """The main thread's life: returns when the pool was stopped and nothing runs any more."""
        for number, slot in enumerate(self.slots[1:], 1):
            self._helpers += 1
            threading.Thread(
                target=self._help, args=(slot, run), name=f"worker-{number}", daemon=True
            ).start()
        self._loop(self.slots[0], run)
        with self._changed:
            while self._helpers and not self._is_quick:
                self._changed.wait()

    def attach(self, sock: socket.socket) -> Session:
        """From now on requests come from this front."""
        link = Link(sock)
        with self._changed:
            previous, self._link = self._link, link
            if self.is_stopping:
                link.session.stop()
            self._changed.notify_all()
        if previous is not None:
            previous.session.close()
        return link.session

    def detach(self) -> None:
        link = self._link
        if link is not None:
            link.session.close()

    def stop(self, quick: bool, grace: float = 0.0) -> None:
        """Graceful: what was received is answered, however long it takes: the arbiter ends it after `grace`.
        Quick: answers are thrown away, `serve` waits for the main thread only.
        """
        with self._changed:
            self.is_stopping = True
            self._is_quick = self._is_quick or quick
            self._changed.notify_all()
            link = self._link
        if link is not None:
            link.session.close() if quick else link.session.stop()

    def stacks(self) -> str:
        return thread_stacks()

    @property
    def requests(self) -> int:
        return sum(slot.requests for slot in self.slots)

    @property
    def busy(self) -> int:
        return sum(slot.is_busy for slot in self.slots)

    def since_progress_ms(self) -> int:
        """How long ago any thread began a request, while requests run; 0 when idle."""
        if not self.busy:
            return 0
        return int((perf_counter() - max(slot.since for slot in self.slots)) * 1000)

    def _help(self, slot: Slot, run: Run) -> None:
        try:
            self._loop(slot, run)
        except BaseException:
            # A fault of ours, never the app's: the process must not go on with a thread less.
            traceback.print_exc()
            os._exit(EXIT_FAULT)
        with self._changed:
            self._helpers -= 1
            self._changed.notify_all()

    def _loop(self, slot: Slot, run: Run) -> None:
        while True:
            link = self._join()
            if link is None:
                return
            serve_link(link.session, slot, run)
            self._leave(link)

    def _join(self) -> Link | None:
        with self._changed:
            while self._link is None or self._link.is_over:
                if self.is_stopping:
                    return None
                self._changed.wait()
            self._link.members += 1
            return self._link

    def _leave(self, link: Link) -> None:
        with self._changed:
            link.members -= 1
            if link.members:
                # The others still run requests: this thread is free for the next link, not for this one.
                while self._link is link and not link.is_over:
                    self._changed.wait()
                return
            link.is_over = True
            self._changed.notify_all()
        inheritance.end_if_child()
        link.sock.close()
        self._on_link_end(link)


def serve_link(session: Session, slot: Slot, run: Run) -> None:
    """Requests of one link until it ends."""
    take = session.take
    while True:
        stream = take()
        if stream is None:
            return
        slot.since = perf_counter()
        slot.is_busy = True
        run(session, stream)
        slot.is_busy = False
        slot.requests += 1
