"""One front's link on the event loop: many requests at once, a task each, frames of one turn sent together.

    open ──DRAIN, or the worker stops──► draining ──all is answered──► over        the front's end, or a fault ──► over

A request waits until its task starts: the control thread can give it back even while another one blocks the loop.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from marshal import loads

from . import inheritance, wire
from .asgi import EXTENSIONS as HTTP_EXTENSIONS
from .asgi import HttpCycle
from .outbox import Outbox
from .stacks import task_stack
from .websocket import EXTENSIONS as WEBSOCKET_EXTENSIONS
from .websocket import WebSocketCycle
from .wire import END, REQUEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    import socket
    from typing import Dict, List, Optional, Union

    from .aio import AsyncPool
    from .cycle import Cycle
    from .wire import Frame

    AnyCycle = Union[HttpCycle, WebSocketCycle]

READ_BYTES = 65_536
#: Unsent bytes beyond which bodies wait: the front does not keep up.
UNSENT_BYTES_MAX = 1_048_576
#: Frames of one turn of the loop beyond which they are not kept for its end: many apps may stream in it.
FRAMES_GATHERED_MAX = 64
ASGI_HTTP = {"version": "3.0", "spec_version": "2.4"}
ASGI_WEBSOCKET = {"version": "3.0", "spec_version": "2.4"}
#: Reads in one go of `take_back`; what is beyond stays in the socket.
DRAIN_READS_MAX = 64
#: From http.disconnect to the cancellation of a task whose time is over; --asgi-disconnect-grace-period says otherwise.
LATE_GRACE_SECONDS = 1.0
HAS_EAGER_TASKS = sys.version_info >= (3, 12)


class AsyncLink:
    """Cycles see it as their port."""

    #: Why the link was closed by us; "" otherwise.
    error = ""
    is_over = False
    _is_draining = False
    _is_flush_due = False
    _is_writer_on = False

    def __init__(self, sock: socket.socket, pool: AsyncPool) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.log: logging.Logger = pool.log
        #: Every stream whose app runs or will run.
        self.cycles: Dict[int, AnyCycle] = {}
        self.waiting: Dict[int, AnyCycle] = {}
        self._pool = pool
        self._loop = pool.loop
        self._frames = wire.FrameReader()
        #: Held while bytes are read and parsed, by the loop or, while that is blocked, by the control thread.
        self._read_lock = threading.Lock()
        #: Kept for all reads: the C library maps and unmaps large ones anew each time.
        self._input = memoryview(bytearray(READ_BYTES))
        #: Held while bytes are sent, never for longer than one system call.
        self._write_lock = threading.Lock()
        self._output: List[bytes] = []
        self._outbox = Outbox(sock)
        #: What the control thread read and did not take back.
        self._late: List[Frame] = []
        self._room: List[asyncio.Future[None]] = []

    # --- the port of cycles -------------------------------------------------------------------------------------------------

    def write(self, frame: bytes) -> None:
        self._output.append(frame)
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    async def wait_for_room(self) -> None:
        """Returns at once unless the front does not keep up."""
        if len(self._output) > FRAMES_GATHERED_MAX:
            self._flush()
        while self._outbox.unsent > UNSENT_BYTES_MAX and not self.is_over:
            waiter = self._loop.create_future()
            self._room.append(waiter)
            await waiter

    def retire(self, cause: str) -> None:
        self._pool.retire(cause)

    def ended(self, cycle: Cycle) -> None:
        """The app is done with it."""
        del self.cycles[cycle.stream]
        pool = self._pool
        pool.requests += 1
        if cycle.cutoff is not None:
            cycle.cutoff.cancel()
        if self._is_draining or self.is_over:
            self._loop.call_soon(self._end_if_done)

    # --- life ---------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._loop.add_reader(self.sock.fileno(), self._on_readable)

    def drain(self) -> None:
        """The link ends once all is answered and sent; background work goes on without it."""
        if not self._is_draining:
            self._is_draining = True
            self._loop.call_soon(self._end_if_done)

    def close(self) -> None:
        """Now. What runs is told that its client left, and may finish."""
        if self.is_over:
            return
        inheritance.end_if_child()
        self._loop.remove_reader(self.sock.fileno())
        self._loop.remove_writer(self.sock.fileno())
        with self._write_lock, self._read_lock:
            self.is_over = True
            self.sock.close()
        self._output.clear()
        self._outbox.clear()
        self._wake_room()
        for cycle in list(self.cycles.values()):
            self._leave(cycle)
        self._pool.link_closed(self)
        self._end_if_done()

    def cancel_all(self) -> None:
        for cycle in list(self.cycles.values()):
            if cycle.task is not None:
                cycle.task.cancel()

    def _end_if_done(self) -> None:
        if not self.is_over:
            if self._is_draining and all(cycle.is_answered for cycle in self.cycles.values()):
                self._flush()
                if not self._outbox.unsent:
                    self.close()
        elif not self.cycles:
            self._pool.link_done(self)

    # --- reading ------------------------------------------------------------------------------------------------------------

    def _on_readable(self) -> None:
        with self._read_lock:
            data = self._recv()
            frames = self._late
            if data:
                frames += self._frames.receive(data)
            if frames:
                self._late = []
        self._pool.note_activity()
        if frames:
            self._apply_all(frames)
        if data == b"" or self._frames.error:
            self.error = self._frames.error
            self.close()

    def _recv(self) -> Optional[bytes]:
        """None when there is nothing, b"" at the end or on any error."""
        try:
            return self._input[: self.sock.recv_into(self._input)].tobytes()
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def _apply_all(self, frames: List[Frame]) -> None:
        """Requests start after all frames are applied: what follows them can still be taken back."""
        fresh: List[AnyCycle] = []
        for number, kind, flags, payload in frames:
            if kind == REQUEST:
                fresh.append(self._begin(number, flags, payload))
            else:
                self._apply(number, kind, flags, payload)
        if not fresh:
            return
        app = self._pool.app
        for cycle in fresh:
            if HAS_EAGER_TASKS:
                task = asyncio.Task(cycle.run(app), loop=self._loop, eager_start=True)  # type: ignore[call-arg, unused-ignore]
                if not task.done():
                    cycle.task = task
            else:
                cycle.task = asyncio.Task(cycle.run(app), loop=self._loop)
        if not self._is_flush_due:
            # After the first step of each: most answers are ready then.
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def _begin(self, number: int, flags: int, payload: bytes) -> AnyCycle:
        scope = loads(payload)
        pool = self._pool
        scope["state"] = pool.state.copy()
        # Of a connection over TLS: an extension, which stands among those that this worker has of its own.
        tls = scope.pop("tls", None)
        cycle: AnyCycle
        if scope["type"] == "http":
            scope["asgi"] = ASGI_HTTP.copy()
            scope["extensions"] = HTTP_EXTENSIONS.copy()
            cycle = HttpCycle(self, number, scope)
            if not flags & END:
                cycle.expect_body(bool(flags & wire.AWAITS_CREDIT))
        else:
            scope["asgi"] = ASGI_WEBSOCKET.copy()
            scope["extensions"] = WEBSOCKET_EXTENSIONS.copy()
            cycle = WebSocketCycle(self, number, scope, pool.credit_step)
        if tls is not None:
            scope["extensions"]["tls"] = tls
        for name in ("remote_user", "variables"):
            if name in scope:
                scope["extensions"][name] = scope.pop(name)
        self.cycles[number] = self.waiting[number] = cycle
        return cycle

    def _apply(self, number: int, kind: int, flags: int, payload: bytes) -> None:
        if kind == wire.DRAIN:
            self.drain()
            return
        cycle = self.cycles.get(number)
        if cycle is None:
            return
        if kind == wire.CREDIT:
            cycle.on_credit(wire.credit_of(payload))
        elif kind == wire.CANCEL:
            self._cancel(number, cycle, payload[0])
        elif isinstance(cycle, HttpCycle):
            if kind == wire.BODY:
                cycle.on_body(payload, bool(flags & END))
            elif kind == wire.NOTICE:
                cycle.on_notice()
            elif kind == wire.FILE_REPLY:
                cycle.on_file_reply(payload == b"\x01")
        elif kind == wire.WS_CLOSE:
            cycle.on_close(payload)
            self._cut_off_later(cycle)
        elif kind in (wire.WS_TEXT, wire.WS_BINARY):
            cycle.on_message(kind, payload, bool(flags & wire.MORE))

    def _cancel(self, number: int, cycle: AnyCycle, cause: int) -> None:
        if self.waiting.pop(number, None) is not None:
            del self.cycles[number]
            self.write(wire.pack_abort(number, "cancelled"))
            return
        if cause == wire.CAUSE_DEADLINE and cycle.task is not None:
            stack = task_stack(cycle.task).rstrip()
            self.log.error("%s ran longer than its time limit, and was in:\n%s", cycle.name(), stack)
            self._cut_off_later(cycle, LATE_GRACE_SECONDS)
        self._leave(cycle)

    def _leave(self, cycle: AnyCycle) -> None:
        cycle.on_left()
        self._cut_off_later(cycle)

    def _cut_off_later(self, cycle: AnyCycle, least: float = 0.0) -> None:
        grace = self._pool.disconnect_grace or least
        if grace and cycle.task is not None and cycle.cutoff is None:
            cycle.cutoff = self._loop.call_later(grace, cycle.task.cancel)

    # --- writing ------------------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        self._is_flush_due = False
        if not self._push():
            self.close()
            return
        if self._outbox.unsent and not self._is_writer_on:
            self._is_writer_on = True
            self._loop.add_writer(self.sock.fileno(), self._on_writable)
        if self._is_draining:
            self._loop.call_soon(self._end_if_done)

    def _push(self) -> bool:
        """Sends what there is, on either thread. False: the link is dead."""
        with self._write_lock:
            output = self._output
            if self.is_over or not (output or self._outbox.unsent):
                return True
            pieces = output[:]
            del output[: len(pieces)]  # the loop may have added to it meanwhile
            return self._outbox.send(pieces)

    def _on_writable(self) -> None:
        if not self._push():
            self.close()
            return
        if not self._outbox.unsent:
            self._is_writer_on = False
            self._loop.remove_writer(self.sock.fileno())
            self._end_if_done()
        if self._outbox.unsent <= UNSENT_BYTES_MAX:
            self._wake_room()

    def _wake_room(self) -> None:
        waiters, self._room = self._room, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # --- on the control thread ----------------------------------------------------------------------------------------------

    def take_back(self) -> List[int]:
        """Gives up what was not started and sends what is finished, whatever blocks the loop."""
        with self._read_lock:
            self._drain_socket()
            taken = [frame[0] for frame in self._late if frame[1] == REQUEST]
            gone = set(taken)
            self._late = [frame for frame in self._late if frame[0] not in gone]
        while self.waiting:
            try:
                number, _ = self.waiting.popitem()
            except KeyError:
                break
            self.cycles.pop(number, None)
            taken.append(number)
        self._push()
        if self._late:
            self._pool.call(self._on_readable)
        return sorted(taken)

    def _drain_socket(self) -> None:
        for _ in range(DRAIN_READS_MAX):
            data = None if self.is_over else self._recv()
            if data is None:
                return
            if not data:
                self._pool.call(self.close)
                return
            self._late += self._frames.receive(data)

    def leave(self, number: int) -> None:
        """Said on the aside for threads that run the app; the loop hears CANCEL on the wire."""
