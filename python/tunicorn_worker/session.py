"""One link of a worker: requests that wait, streams that run, credit, and the outgoing batch.

Leader and followers: whoever wants something of the link (a request, credit, a file reply) and finds nobody
reading becomes the reader for one read, whatever the read brings for others. One thread (sync) and N
(gthread) run the same code, and a request that already waits costs no lock. No sockets, threads or clocks
here: transport, locks and times are given.

    role free ──take / wait──► one thread in recv, no lock held ──frames applied, locked──► role free
"""

from __future__ import annotations

from collections import deque

from .wire import (
    BODY,
    BODY_FILE,
    CANCEL,
    CREDIT,
    CREDIT_INITIAL,
    DRAIN,
    END,
    FILE_REPLY,
    NOTICE,
    REQUEST,
    FrameReader,
    credit_of,
    pack_abort,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Protocol, Tuple, Union

    Output = Union[bytes, Tuple[bytes, bytes]]

    class Transport(Protocol):
        def recv(self) -> bytes:
            """Blocks; b"" at the end or on any error."""

        def recv_now(self) -> bytes | None:
            """What is there; None when nothing is, b"" at the end."""

        def send(self, parts: List[bytes]) -> bool:
            """All of them, in order; False when the link is dead."""

        def shut(self) -> None:
            """Wakes a blocked recv with b""."""


#: A finished response waits at most so long (seconds) for others of its batch while requests wait.
BATCH_SECONDS = 0.0002
#: Reads in one go of `drain_now`; what is beyond stays in the socket.
DRAIN_READS_MAX = 64
#: How long (seconds) the control thread waits for a flush that another thread is in.
FLUSH_WAIT_SECONDS = 0.05


class Stream:
    """One request. `is_gone` when its answer is not wanted any more: client left, deadline, or the link
    ended.
    """

    #: Body pieces so far; None once the body is complete.
    parts: list[bytes] | None = None
    body: bytes = b""
    #: The file that holds the body instead.
    body_path: str = ""
    credit: int = CREDIT_INITIAL
    is_gone: bool = False
    #: The front will soon give it up.
    is_noticed: bool = False
    #: None while the front has not said whether it sends the file.
    file_reply: bool | None = None

    def __init__(self, number: int, head: bytes) -> None:
        self.number = number
        #: marshal value, docs/wire.md.
        self.head = head


class Session:
    #: No request will follow (DRAIN): the link ends when all is answered.
    is_draining: bool = False
    #: The worker ends: what was received is answered, then the link ends.
    is_stopping: bool = False
    is_closed: bool = False
    #: Why the link was closed by us; "" otherwise.
    error: str = ""
    #: When the oldest unsent response was finished.
    oldest: float = 0.0

    def __init__(
        self, transport: Transport, lock: Any, make_condition: Callable[[Any], Any], write_lock: Any
    ) -> None:
        """`make_condition(lock)` as threading.Condition; the locks are plain ones."""
        self.pending: deque[Stream] = deque()
        self.streams: dict[int, Stream] = {}
        #: Frames to send, in order; a tuple is one frame in parts. Appended to by anybody, taken out under the write lock.
        self.output: deque[Output] = deque()
        self._transport = transport
        self._lock = lock
        self._idle = make_condition(lock)
        self._blocked = make_condition(lock)
        self._write_lock = write_lock
        self._frames = FrameReader()
        self._is_reading = False

    # -- what running threads call

    def take(self) -> Stream | None:
        """The next request to run. None: nothing more will come on this link for this thread."""
        while True:
            try:
                stream = self.pending.popleft()
            except IndexError:
                if not self._await_requests():
                    return None
                continue
            if not stream.is_gone:
                return stream
            self.give_up(stream)

    def send(self, frame: bytes) -> None:
        """A part of a response that must not wait."""
        self.output.append(frame)
        self.flush()

    def end(self, stream: Stream, frame: Output, now: float) -> None:
        """The last frame of a stream; sent with others of its batch."""
        self.streams.pop(stream.number, None)
        output = self.output
        if not output:
            self.oldest = now
        output.append(frame)
        if not self.pending or now - self.oldest > BATCH_SECONDS:
            self.flush()

    def give_up(self, stream: Stream) -> None:
        """Ends a stream that nobody waits for, so that the front can count on the slot again."""
        if self.streams.pop(stream.number, None) is not None and not self.is_closed:
            self.output.append(pack_abort(stream.number, "cancelled"))

    def forget(self, stream: Stream) -> None:
        """The front ended the stream (FILE_REPLY 1)."""
        self.streams.pop(stream.number, None)

    def flush(self, wait_seconds: float = -1) -> None:
        """Sends the batch. Another thread in here sends for us, too: it looks again before it leaves."""
        output = self.output
        while output:
            if not self._write_lock.acquire(True, wait_seconds):
                return
            try:
                parts = _parts_of([output.popleft() for _ in range(len(output))])
                if parts and not self._transport.send(parts):
                    with self._lock:
                        self._close("")
            finally:
                self._write_lock.release()

    def wait(self, stream: Stream, is_ready: Callable[[Stream], bool]) -> bool:
        """Until the front sent what the stream needs; False when the stream is gone."""
        while True:
            self.flush()
            with self._lock:
                while not stream.is_gone and not is_ready(stream) and self._is_reading:
                    self._blocked.wait()
                if stream.is_gone:
                    return False
                if is_ready(stream):
                    return True
                self._is_reading = True
            self._read()

    def poll(self) -> None:
        """Applies what has arrived, without waiting: how a streaming thread learns of CANCEL."""
        with self._lock:
            self._drain_now()

    # -- what the control thread calls

    def take_back(self) -> list[int]:
        """Gives up what was not started and sends what is finished, whatever the app is doing."""
        taken: list[int] = []
        with self._lock:
            self._drain_now()
            while self.pending:
                try:
                    taken.append(self.pending.pop().number)
                except IndexError:
                    break
            taken += [stream.number for stream in list(self.streams.values()) if stream.parts is not None]
            for number in taken:
                self.streams.pop(number, None)
        self.flush(FLUSH_WAIT_SECONDS)
        return taken

    def leave(self, number: int) -> None:
        """The client of this stream left; its app may look at `is_gone` at any time."""
        with self._lock:
            self._mark_gone(number)
            self._blocked.notify_all()
        self.flush(FLUSH_WAIT_SECONDS)

    def stop(self) -> None:
        """What was received is still answered; then `take` says None. A reader blocked in recv is woken
        when all is idle.
        """
        with self._lock:
            self.is_stopping = True
            if self._is_quiet():
                self._transport.shut()
            self._idle.notify_all()

    def close(self) -> None:
        """Now. What runs is finished by the app and thrown away."""
        self._transport.shut()
        with self._lock:
            self._close("")

    # -- reading

    def _await_requests(self) -> bool:
        """True: look into `pending` again. False: the link is over for this thread."""
        self.flush()
        with self._lock:
            while True:
                if self.is_stopping:
                    self._drain_now()
                if self.pending:
                    self._idle.notify()  # the role may be free: the next one looks
                    return True
                if self.is_closed or self.is_draining or self.is_stopping:
                    self._wake_last()
                    return False
                if not self._is_reading:
                    self._is_reading = True
                    break
                self._idle.wait()
        self._read(1)
        return True

    def _wake_last(self) -> None:
        """Nothing runs any more: the reader that still blocks in recv must end as well."""
        if self._is_reading and self._is_quiet():
            self._transport.shut()
        self._idle.notify_all()

    def _is_quiet(self) -> bool:
        """Nothing runs or waits to run; bodies may be half received."""
        return all(stream.parts is not None for stream in list(self.streams.values()))

    def _read(self, own_share: int = 0) -> None:
        """One blocking read by the holder of the role, who leaves it here."""
        data = self._transport.recv()
        with self._lock:
            self._apply(data)
            self._is_reading = False
            # One waiting thread for each request that the reader does not run itself, and one for the role.
            self._idle.notify(max(1, len(self.pending) + 1 - own_share))
            # With all takers busy a thread that waits for credit must get the role.
            self._blocked.notify()

    def _drain_now(self) -> None:
        """Under the lock: applies what is in the socket. A reader in recv does that itself."""
        for _ in range(DRAIN_READS_MAX):
            data = None if self._is_reading or self.is_closed else self._transport.recv_now()
            if data is None:
                break
            self._apply(data)
            self._idle.notify()

    def _apply(self, data: bytes) -> None:
        if not data:
            self._close("")
            return
        reader = self._frames
        streams = self.streams
        for number, kind, flags, payload in reader.receive(data):
            if kind == REQUEST:
                stream = streams[number] = Stream(number, payload)
                if flags & END:
                    self.pending.append(stream)
                else:
                    stream.parts = []
            elif kind == DRAIN:
                self.is_draining = True
                self._idle.notify_all()
            elif number in streams:
                self._apply_to(streams[number], kind, flags, payload)
        if reader.error:
            self._close(reader.error)

    def _apply_to(self, stream: Stream, kind: int, flags: int, payload: bytes) -> None:
        if kind in (BODY, BODY_FILE):
            self._apply_body(stream, kind, flags, payload)
            return
        if kind == CREDIT:
            stream.credit += credit_of(payload)
        elif kind == FILE_REPLY:
            stream.file_reply = payload == b"\x01"
        elif kind == NOTICE:
            stream.is_noticed = True
        elif kind == CANCEL:
            self._mark_gone(stream.number)
        self._blocked.notify_all()

    def _apply_body(self, stream: Stream, kind: int, flags: int, payload: bytes) -> None:
        """A request is runnable when its body is complete."""
        if stream.parts is None:
            return
        if kind == BODY_FILE:
            stream.body_path = payload.decode("utf-8", "surrogateescape")
        elif payload:
            stream.parts.append(payload)
        if flags & END:
            stream.body = b"".join(stream.parts)
            stream.parts = None
            self.pending.append(stream)

    def _mark_gone(self, number: int) -> None:
        stream = self.streams.get(number)
        if stream is not None:
            stream.is_gone = True
            if stream.parts is not None or self._withdraw(stream):
                self.give_up(stream)

    def _withdraw(self, stream: Stream) -> bool:
        """True: it waited to be run and now does not. A thread that pops meanwhile sees `is_gone` itself."""
        try:
            self.pending.remove(stream)
        except (ValueError, IndexError):  # not there; or the deque changed while it was searched
            return False
        return True

    def _close(self, error: str) -> None:
        """Under the lock: nothing in flight is wanted any more, but the answers of a worker that stops."""
        self.error = self.error or error
        self.is_closed = True
        self.pending.clear()
        for stream in list(self.streams.values()):
            stream.is_gone = True
        if not self.is_stopping:
            self.output.clear()
        self._idle.notify_all()
        self._blocked.notify_all()


def _parts_of(frames: List[Output]) -> List[bytes]:
    if not any(type(frame) is tuple for frame in frames):
        return frames  # type: ignore[return-value]  # looked at just now
    parts: List[bytes] = []
    for frame in frames:
        parts.extend(frame if isinstance(frame, tuple) else (frame,))
    return parts
