"""The event loop that runs an ASGI app: one task a request, many requests over one link, frames of a turn sent together.

    no link ──attach──► serving ──the link ends, drained or lost──► no link ──stop──► end

The control thread calls attach, detach, stop, take_back and leave; everything else happens on the loop.
"""

from __future__ import annotations

import asyncio
import marshal
import socket
import sys
import threading
from time import perf_counter

from . import wire
from .asgi import EXTENSIONS as HTTP_EXTENSIONS
from .asgi import HttpCycle
from .websocket import EXTENSIONS as WEBSOCKET_EXTENSIONS
from .websocket import WebSocketCycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Any, Awaitable, Callable, Dict, List, Optional, Set, Union

    from .asgi import App
    from .wire import Frame

    Cycle = Union[HttpCycle, WebSocketCycle]

READ_BYTES = 262_144
#: Unsent bytes beyond which cycles wait before they produce more: the front does not keep up.
UNSENT_BYTES_MAX = 1_048_576
ASGI_HTTP = {"version": "3.0", "spec_version": "2.4"}
ASGI_WEBSOCKET = {"version": "3.0", "spec_version": "2.4"}
#: Reads in one go of `take_back`; what is beyond stays in the socket.
DRAIN_READS_MAX = 64
HAS_EAGER_TASKS = sys.version_info >= (3, 12)


class AsyncLink:
    """One front's link. `write` and `ended` are the cycles' port."""

    #: Why the link was closed by us; "" otherwise.
    error = ""

    def __init__(self, sock: socket.socket, pool: AsyncPool) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.log = pool.log
        self.cycles: Dict[int, Cycle] = {}
        self._pool = pool
        self._loop = pool.loop
        self._tasks: Dict[int, asyncio.Task[None]] = {}
        self._frames = wire.FrameReader()
        #: Held while bytes are read and parsed, by the loop or, when that is stuck, by the control thread.
        self._read_lock = threading.Lock()
        self._output: List[bytes] = []
        self._unsent = b""
        self._is_flush_due = False
        self._is_draining = False
        self.is_over = False
        self._room: List[asyncio.Future[None]] = []

    # -- on the loop

    def start(self) -> None:
        self._loop.add_reader(self.sock.fileno(), self._on_readable)

    def write(self, frame: bytes) -> None:
        self._output.append(frame)
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    async def wait_for_room(self) -> None:
        """Returns at once unless the front does not keep up."""
        while len(self._unsent) > UNSENT_BYTES_MAX and not self.is_over:
            waiter = self._loop.create_future()
            self._room.append(waiter)
            await waiter

    def ended(self, stream: int) -> None:
        self.cycles.pop(stream, None)
        self._tasks.pop(stream, None)
        self._pool.requests += 1
        if not self.cycles and (self._is_draining or self._pool.is_stopping):
            self._loop.call_soon(self.finish)

    def disconnect_all(self) -> None:
        for cycle in list(self.cycles.values()):
            cycle.on_left()

    def cancel_all(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()

    def finish(self) -> None:
        """Ends the link once nothing runs on it and everything was sent."""
        if self.cycles or self.is_over:
            return
        self._flush()
        if not self._unsent:
            self.close()

    def close(self) -> None:
        """Now. What runs is told that its client left, and finishes by itself."""
        if self.is_over:
            return
        self.is_over = True
        self._loop.remove_reader(self.sock.fileno())
        self._loop.remove_writer(self.sock.fileno())
        self.sock.close()
        self._output.clear()
        self._unsent = b""
        self._wake_room()
        self.disconnect_all()
        self._pool.link_ended(self)

    def _on_readable(self) -> None:
        with self._read_lock:
            data = self._recv()
            if data is None:
                return
            frames = self._frames.receive(data)
        if not data or self._frames.error:
            self.error = self._frames.error
            self.close()
            return
        for number, kind, flags, payload in frames:
            if kind == wire.REQUEST:
                self._begin(number, flags, payload)
            else:
                self._apply(number, kind, flags, payload)

    def _recv(self) -> Optional[bytes]:
        """None when there is nothing, b"" at the end or on any error."""
        try:
            return self.sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def _begin(self, number: int, flags: int, payload: bytes) -> None:
        scope = marshal.loads(payload)
        pool = self._pool
        scope["state"] = pool.state.copy()
        cycle: Cycle
        if scope["type"] == "http":
            scope["asgi"] = ASGI_HTTP.copy()
            scope["extensions"] = HTTP_EXTENSIONS.copy()
            cycle = HttpCycle(self, number, scope, not flags & wire.END, bool(flags & wire.AWAITS_CREDIT))
        else:
            scope["asgi"] = ASGI_WEBSOCKET.copy()
            scope["extensions"] = WEBSOCKET_EXTENSIONS.copy()
            cycle = WebSocketCycle(self, number, scope)
        self.cycles[number] = cycle
        task = pool.start_task(cycle.run(pool.app))
        if not task.done():
            self._tasks[number] = task

    def _apply_all(self, frames: List[Frame]) -> None:
        for frame in frames:
            self._apply(*frame)

    def _apply(self, number: int, kind: int, flags: int, payload: bytes) -> None:
        if kind == wire.DRAIN:
            self._is_draining = True
            self.finish()
            return
        cycle = self.cycles.get(number)
        if cycle is None:
            return
        if kind == wire.CREDIT:
            cycle.on_credit(wire.credit_of(payload))
        elif kind == wire.CANCEL:
            cycle.on_left()
        elif isinstance(cycle, HttpCycle):
            self._apply_to_http(cycle, kind, flags, payload)
        elif kind == wire.WS_CLOSE:
            cycle.on_close(payload)
        elif kind in (wire.WS_TEXT, wire.WS_BINARY):
            cycle.on_message(kind, payload, bool(flags & wire.MORE))

    def _apply_to_http(self, cycle: HttpCycle, kind: int, flags: int, payload: bytes) -> None:
        if kind == wire.BODY:
            cycle.on_body(payload, bool(flags & wire.END))
        elif kind == wire.FILE_REPLY:
            cycle.on_file_reply(payload == b"\x01")

    def _flush(self) -> None:
        self._is_flush_due = False
        if self.is_over or not self._output:
            return
        data = b"".join(self._output)
        self._output.clear()
        if self._unsent:
            self._unsent += data
        else:
            self._send(data)

    def _send(self, data: bytes) -> None:
        try:
            sent = self.sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.close()
            return
        was_waiting = bool(self._unsent)
        self._unsent = data[sent:]
        if self._unsent and not was_waiting:
            self._loop.add_writer(self.sock.fileno(), self._on_writable)
        elif was_waiting and not self._unsent:
            self._loop.remove_writer(self.sock.fileno())

    def _on_writable(self) -> None:
        self._send(self._unsent)
        if len(self._unsent) <= UNSENT_BYTES_MAX:
            self._wake_room()
        if not self._unsent and (self._is_draining or self._pool.is_stopping):
            self.finish()

    def _wake_room(self) -> None:
        waiters, self._room = self._room, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # -- on the control thread

    def take_back(self) -> List[int]:
        """Requests that a stuck loop has not read yet. What else was in the socket is applied when the loop runs again."""
        taken: Set[int] = set()
        rest: List[Frame] = []
        with self._read_lock:
            for _ in range(DRAIN_READS_MAX):
                data = None if self.is_over else self._recv()
                if not data:
                    break
                for frame in self._frames.receive(data):
                    if frame[1] == wire.REQUEST:
                        taken.add(frame[0])
                    elif frame[0] not in taken:
                        rest.append(frame)
        if rest:
            self._pool.call(lambda: self._apply_all(rest))
        return sorted(taken)

    def leave(self, number: int) -> None:
        """CANCEL comes on the wire as well; the loop hears of it there."""


class AsyncPool:
    """What the control thread sees of an asgi worker, as threads.Pool is for the others."""

    def __init__(self, slots: int, log: logging.Logger, on_link_end: Callable[[AsyncLink], None]) -> None:
        self.slots_max = slots
        self.log = log
        self.app: App = _no_app
        self.state: Dict[str, Any] = {}
        self.loop: asyncio.AbstractEventLoop = asyncio.new_event_loop()
        self.requests = 0
        self.is_stopping = False
        self._is_quick = False
        self._on_link_end = on_link_end
        self._link: Optional[AsyncLink] = None
        self._ended: Optional[asyncio.Event] = None
        self._probe_sent = 0.0
        self._probe_answered = 0.0

    # -- on the loop

    def start_task(self, coroutine: Any) -> asyncio.Task[None]:
        if HAS_EAGER_TASKS:
            return asyncio.Task(coroutine, loop=self.loop, eager_start=True)  # type: ignore[call-arg, unused-ignore]
        return asyncio.Task(coroutine, loop=self.loop)

    async def serve(self, app: App, state: Dict[str, Any]) -> None:
        """Until the pool was stopped and nothing runs any more."""
        self.app = app
        self.state = state
        self._ended = asyncio.Event()
        if not self.is_stopping:
            await self._ended.wait()
        link = self._link
        while link is not None and not link.is_over and not self._is_quick:
            self._ended.clear()
            link.finish()
            if not link.is_over:
                await self._ended.wait()

    def link_ended(self, link: AsyncLink) -> None:
        if self._link is link:
            self._link = None
        self._on_link_end(link)
        self._wake()

    def _wake(self) -> None:
        if self._ended is not None and (self.is_stopping or self._is_quick):
            self._ended.set()

    def _begin_stop(self) -> None:
        if self._is_quick and self._link is not None:
            self._link.close()
        self._wake()

    # -- on the control thread

    def call(self, function: Callable[[], Any]) -> None:
        """Runs `function` on the loop soon; nothing happens once the loop is closed."""
        try:
            self.loop.call_soon_threadsafe(function)
        except RuntimeError:
            pass  # the loop is closed: the process is about to end

    @property
    def slots(self) -> range:
        return range(self.slots_max)

    @property
    def busy(self) -> int:
        link = self._link
        return len(link.cycles) if link is not None else 0

    def attach(self, sock: socket.socket) -> AsyncLink:
        link = AsyncLink(sock, self)
        self.call(lambda: self._use(link))
        return link

    def _use(self, link: AsyncLink) -> None:
        previous, self._link = self._link, link
        if previous is not None:
            previous.close()
        link.start()

    def detach(self) -> None:
        link = self._link
        if link is not None:
            self.call(link.close)

    def stop(self, quick: bool) -> None:
        self.is_stopping = True
        self._is_quick = self._is_quick or quick
        self.call(self._begin_stop)

    def probe(self) -> float:
        """Seconds for which the loop has not answered; asks it anew when it has."""
        now = perf_counter()
        if self._probe_answered >= self._probe_sent:
            self._probe_sent = now
            self.call(self._answer_probe)
            return 0.0
        return now - self._probe_sent

    def _answer_probe(self) -> None:
        self._probe_answered = perf_counter()

    def since_progress_ms(self) -> int:
        return int(self.probe() * 1000)


def _no_app(scope: Any, receive: Any, send: Any) -> Awaitable[None]:
    raise RuntimeError("the app is not loaded yet")
