"""The worker's control thread: a daemon, idle until the arbiter, the front's aside or a signal speaks
(design: it never runs the app, so it answers while the app is stuck). It alone decides that the process
ends without asking the app.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
import time

from . import control, wire
from .threads import all_stacks

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Callable

    from .control import Job, Message
    from .session import Session
    from .threads import Pool

CONNECT_SECONDS = 5.0
#: From the arbiter's end, or a quick stop, to os._exit: what an idle or well-behaved app needs to leave by
#: itself.
GRACE_SECONDS = 0.5
READ_BYTES = 65_536
EXIT_ORPHAN = 1
INTERFACE = "wsgi"


class Channel:
    """The arbiter's connection; any thread may send."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        try:
            with self._lock:
                self.sock.sendall(control.encode(message))
        except OSError:
            pass  # the arbiter is gone: the control thread reads that as end of the stream


class ControlThread:
    def __init__(
        self, job: Job, channel: Channel, pool: Pool, log: logging.Logger, reopen: Callable[[], None]
    ) -> None:
        self._job = job
        self._channel = channel
        self._pool = pool
        self._log = log
        self._reopen = reopen
        self._lines = control.LineReader()
        self._aside: socket.socket | None = None
        self._aside_frames = wire.FrameReader()
        self._session: Session | None = None
        self._deadline = 0.0
        self._exit_code = 0
        self._poll = select.poll()
        self._signals, wakeup = os.pipe()
        os.set_blocking(self._signals, False)
        os.set_blocking(wakeup, False)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        self._handlers: dict[int, Callable[[], None]] = {
            channel.sock.fileno(): self._on_control,
            self._signals: self._on_signals,
        }

    def start(self) -> None:
        for descriptor in self._handlers:
            self._poll.register(descriptor, select.POLLIN)
        threading.Thread(target=self._run, name="tunicorn-control", daemon=True).start()

    def _run(self) -> None:
        try:
            while True:
                self._turn()
        except BaseException:
            self._log.critical("The control thread failed", exc_info=True)
            os._exit(EXIT_ORPHAN)

    def _turn(self) -> None:
        left_ms = None
        if self._deadline:
            left_ms = max(0, int((self._deadline - time.monotonic()) * 1000))
            if left_ms == 0:
                os._exit(self._exit_code)
        for descriptor, _ in self._poll.poll(left_ms):
            handler = self._handlers.get(descriptor)
            if handler is not None:
                handler()

    # -- arbiter

    def _on_control(self) -> None:
        try:
            data = self._channel.sock.recv(READ_BYTES)
        except OSError:
            data = b""
        for message in self._lines.receive(data):
            self._obey(message)
        if not data or self._lines.error:
            self._forget(self._channel.sock)
            self._end_soon(EXIT_ORPHAN)

    def _obey(self, message: Message) -> None:
        kind = message["type"]
        if kind == "ping":
            self._channel.send(self._pong(message))
        elif kind == "stacks":
            self._channel.send({"type": "stacks", "id": message.get("id"), "text": all_stacks()})
        elif kind == "attach":
            self._attach(str(message.get("address", "")), str(message.get("token", "")))
        elif kind == "detach":
            self._pool.detach()
        elif kind == "stop":
            self._stop(str(message.get("mode", "")))
        else:
            self._log.debug("Unknown control message %s", kind)

    def _pong(self, message: Message) -> Message:
        pool = self._pool
        return {
            "type": "pong",
            "id": message.get("id"),
            "rss": resident_kib(),
            "requests": pool.requests,
            "busy": pool.busy,
            "sinceProgressMs": pool.since_progress_ms(),
        }

    def _stop(self, mode: str) -> None:
        """A second stop, of either mode, hastens."""
        if mode == "graceful" and not self._pool.is_stopping:
            self._pool.stop(quick=False)
        else:
            self._end_soon(0)

    def _end_soon(self, exit_code: int) -> None:
        self._exit_code = exit_code
        self._deadline = self._deadline or time.monotonic() + GRACE_SECONDS
        self._pool.stop(quick=True)

    # -- signals

    def _on_signals(self) -> None:
        for number in os.read(self._signals, 64):
            if number == signal.SIGTERM:
                self._channel.send({"type": "retire", "cause": "signal SIGTERM"})
            elif number in (signal.SIGINT, signal.SIGQUIT):
                self._end_soon(0)
            elif number == signal.SIGUSR1:
                self._reopen()

    # -- the front

    def _attach(self, address: str, token: str) -> None:
        """Wire and aside to one front; the previous front's links end."""
        links = []
        try:
            for role in ("wire", "aside"):
                links.append(connect(address))
                links[-1].sendall(wire.pack_hello(self._hello(role, token)))
        except OSError as error:
            for link in links:
                link.close()
            self._log.error("Cannot connect to the front at %s: %s", address, error)
            return
        self._drop_aside()
        self._session = self._pool.attach(links[0])
        self._aside, self._aside_frames = links[1], wire.FrameReader()
        self._handlers[links[1].fileno()] = self._on_aside
        self._poll.register(links[1].fileno(), select.POLLIN)

    def _hello(self, role: str, token: str) -> str:
        job = self._job
        hello: Message = {
            "token": token,
            "role": role,
            "pid": os.getpid(),
            "nr": job.nr,
            "generation": job.generation,
        }
        hello.update(interface=INTERFACE, slots=len(self._pool.slots), version=wire.VERSION)
        return control.encode(hello).decode().strip()

    def _on_aside(self) -> None:
        aside, session = self._aside, self._session
        if aside is None or session is None:
            return
        try:
            data = aside.recv(READ_BYTES)
            for stream, kind, _, _ in self._aside_frames.receive(data):
                if kind == wire.TAKE_BACK:
                    aside.sendall(wire.pack_taken(session.take_back()))
                elif kind == wire.LEFT:
                    session.leave(stream)
        except OSError:
            data = b""
        if not data or self._aside_frames.error:
            self._drop_aside()

    def _drop_aside(self) -> None:
        if self._aside is not None:
            self._forget(self._aside)
            self._aside.close()
            self._aside = None

    def _forget(self, sock: socket.socket) -> None:
        if self._handlers.pop(sock.fileno(), None) is not None:
            self._poll.unregister(sock.fileno())


def connect(address: str) -> socket.socket:
    """A Unix socket; "@name" is in Linux's abstract namespace."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(CONNECT_SECONDS)
        sock.connect("\0" + address[1:] if address.startswith("@") else address)
        sock.settimeout(None)
    except OSError:
        sock.close()
        raise
    return sock


def resident_kib() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * (os.sysconf("SC_PAGE_SIZE") // 1024)
    except (OSError, ValueError, IndexError):
        import resource  # not Linux: the highest value so far

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
