"""The worker's control thread: a daemon, idle until the arbiter, the front's aside or a signal speaks
(it never runs the app, so it answers while the app is stuck). It alone decides that the process
ends without asking the app.
"""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import socket
import threading
import time

from . import control, inheritance, wire
from .stacks import thread_stacks

#: Signals whose Python handlers do nothing: the control thread hears of them through signal.set_wakeup_fd, even when the
#: app is stuck.
HEARD = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGHUP")

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Callable, Protocol, Sequence

    from .control import Message
    from .job import Job
    from .loop_watch import LoopWatch

    class Link(Protocol):
        """One front's connection, as the aside speaks of it."""

        def take_back(self) -> list[int]: ...

        def leave(self, number: int) -> None: ...

    class Pool(Protocol):
        """What runs the app: threads.Pool or aio.AsyncPool."""

        @property
        def interface(self) -> str: ...
        @property
        def watch(self) -> LoopWatch | None: ...
        @property
        def slots(self) -> Sequence[object]: ...
        @property
        def requests(self) -> int: ...
        @property
        def busy(self) -> int: ...
        @property
        def is_stopping(self) -> bool: ...
        @property
        def quick_seconds(self) -> float:
            """From a quick stop to os._exit."""

        def since_progress_ms(self) -> int: ...

        def attach(self, sock: socket.socket) -> Link: ...

        def detach(self) -> None: ...

        def stop(self, quick: bool, grace: float = ...) -> None: ...

        def stacks(self) -> str: ...


CONNECT_SECONDS = 5.0
#: From the arbiter's end to os._exit: what an idle or well-behaved app needs to leave by itself.
ORPHAN_SECONDS = 0.5
READ_BYTES = 65_536
EXIT_ORPHAN = 1
#: gunicorn's, after worker_abort.
EXIT_ABORTED = 1
#: Beside signal numbers in the wake-up pipe: the event loop has begun to work.
WATCH = 0


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


class Booting:
    """The pool while the app is loaded: nothing runs."""

    interface = ""
    watch = None
    slots: Sequence[object] = ()
    requests = 0
    busy = 0
    is_stopping = False
    is_quick = False
    quick_seconds = 0.5

    def since_progress_ms(self) -> int:
        return 0

    def attach(self, sock: socket.socket) -> Link:
        raise OSError("the app is not loaded yet")

    def detach(self) -> None:
        pass

    def stop(self, quick: bool, grace: float = 0.0) -> None:
        self.is_stopping = True
        self.is_quick = self.is_quick or quick

    def stacks(self) -> str:
        return thread_stacks()


class ControlThread:
    def __init__(self, job: Job, channel: Channel, log: logging.Logger, reopen: Callable[[], None]) -> None:
        self._job = job
        self._channel = channel
        self._booting = Booting()
        self._pool: Pool = self._booting
        #: Held while the pool changes or is stopped: no stop may fall between.
        self._stopping = threading.Lock()
        self._log = log
        self._reopen = reopen
        self._lines = control.LineReader()
        self._aside: socket.socket | None = None
        self._aside_frames = wire.FrameReader()
        self._session: Link | None = None
        self._deadline = 0.0
        self._is_stuck = False
        self._exit_code = 0
        self._poll = select.poll()
        self._signals, self._wakeup = os.pipe()
        os.set_blocking(self._signals, False)
        os.set_blocking(self._wakeup, False)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        self._handlers: dict[int, Callable[[], None]] = {
            channel.sock.fileno(): self._on_control,
            self._signals: self._on_signals,
        }

    def start(self) -> None:
        for descriptor in self._handlers:
            self._poll.register(descriptor, select.POLLIN)
        threading.Thread(target=self._run, name="tunicorn-control", daemon=True).start()

    @property
    def requests(self) -> int:
        return self._pool.requests

    def serve(self, pool: Pool) -> None:
        """The app is loaded: from now on this is what runs it."""
        with self._stopping:
            self._pool = pool
            if self._booting.is_stopping:
                pool.stop(self._booting.is_quick)

    def wake(self, byte: int = WATCH) -> None:
        """On any thread: a signal that Python told somebody else of, or WATCH."""
        try:
            os.write(self._wakeup, bytes((byte,)))
        except BlockingIOError:
            pass  # it is full of reasons to wake up

    def end_within(self, seconds: float) -> None:
        """The main thread has left: what the interpreter waits for at its end (threads of the app) is bounded."""
        self._deadline = self._deadline or time.monotonic() + seconds
        self.wake()

    def _run(self) -> None:
        try:
            while True:
                self._turn()
        except BaseException:
            self._log.critical("The control thread failed", exc_info=True)
            os._exit(EXIT_ORPHAN)

    def _turn(self) -> None:
        watch = self._pool.watch
        left = watch.wait_seconds() if watch is not None else None
        if self._deadline:
            until_end = self._deadline - time.monotonic()
            if until_end <= 0:
                os._exit(self._exit_code)
            left = until_end if left is None else min(left, until_end)
        for descriptor, _ in self._poll.poll(None if left is None else left * 1000 + 1):
            handler = self._handlers.get(descriptor)
            if handler is not None:
                handler()
        if watch is not None:
            watch.look()
            self._judge(watch)

    def _judge(self, watch: LoopWatch) -> None:
        """An event loop that stands still for --timeout is told of once: the arbiter then ends this worker."""
        limit, blocked = self._job.settings.timeout_ms, watch.blocked_seconds() * 1000
        if limit and blocked >= limit and not self._is_stuck:
            self._is_stuck = True
            self._channel.send({"type": "stuck", "forMs": int(blocked)})

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
            self._channel.send({"type": "stacks", "id": message.get("id"), "text": self._pool.stacks()})
            if message.get("last") and signal.getsignal(signal.SIGABRT) in (signal.SIG_DFL, self.on_abort):
                faulthandler.disable()  # SIGABRT follows: it need not show them once more
        elif kind == "attach":
            self._attach(str(message.get("address", "")), str(message.get("token", "")))
        elif kind == "detach":
            self._pool.detach()
        elif kind == "stop":
            self._stop(str(message.get("mode", "")), int(message.get("graceMs", 0)))
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

    def _stop(self, mode: str, grace_ms: int) -> None:
        """A second stop, of either mode, hastens."""
        if mode == "graceful" and not self._pool.is_stopping:
            self._stop_pool(False, (grace_ms or self._job.settings.graceful_timeout_ms) / 1000)
        else:
            self._end_soon(0)

    def _stop_pool(self, quick: bool, grace: float = 0.0) -> None:
        with self._stopping:
            self._pool.stop(quick, grace)

    def _end_soon(self, exit_code: int) -> None:
        if not self._deadline and exit_code == 0:
            self._call_hook("worker_int")
        self._exit_code = exit_code
        seconds = ORPHAN_SECONDS if exit_code == EXIT_ORPHAN else self._pool.quick_seconds
        self._deadline = self._deadline or time.monotonic() + seconds
        self._stop_pool(quick=True)

    # -- signals

    def _on_signals(self) -> None:
        for number in os.read(self._signals, 64):
            if number == signal.SIGTERM:
                self._channel.send({"type": "retire", "cause": "signal SIGTERM"})
            elif number in (signal.SIGINT, signal.SIGQUIT):
                self._channel.send({"type": "retire", "cause": f"signal {signal.Signals(number).name}"})
                self._end_soon(0)
            elif number == signal.SIGUSR1:
                self._reopen()
            elif number == signal.SIGABRT:
                self._abort()
            elif number == WATCH and self._pool.watch is not None:
                self._pool.watch.wake()

    def on_abort(self, number: int, frame: object) -> None:
        """The handler of SIGABRT, where the hook worker_abort is set."""
        self.wake(number)

    def _abort(self) -> None:
        """Heard only where the hook is set: Python and the kernel know what to do otherwise."""
        self._call_hook("worker_abort")
        os._exit(EXIT_ABORTED)

    def _call_hook(self, name: str) -> None:
        """On this thread: the app may be stuck."""
        hooks, worker = self._job.hooks, self._job.worker
        if hooks is not None and worker is not None:
            worker.alive = False
            worker.nr = max(worker.nr, self.requests)
            hooks.call(name, worker)

    # -- the front

    def _attach(self, address: str, token: str) -> None:
        """Wire and aside to one front; the previous front's links end."""
        if self._pool is self._booting:
            self._log.error("A front was named before the app was loaded")
            return
        links = []
        try:
            for role in ("wire", "aside"):
                links.append(connect(address))
                links[-1].sendall(wire.pack_hello(self._hello(role, token)))
        except OSError as error:
            for link in links:
                link.close()
            # It has just ended: the arbiter says so, and has this worker attach to its successor, if there is to be one.
            self._log.info("Cannot connect to the front at %s: %s", address, error)
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
        hello.update(interface=self._pool.interface, slots=len(self._pool.slots), version=wire.VERSION)
        if job.settings.static_django != "off" and role == "wire":
            from .django_folders import find_folders

            hello["django"] = find_folders(job.settings.static_django)
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
    sock = inheritance.withhold(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
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
