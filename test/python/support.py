"""What the Python tests share: the package on sys.path, the corpus, and a fake front."""

from __future__ import annotations

import io
import json
import logging
import marshal
import os
import socket
import struct
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGE_PARENT = os.path.join(ROOT, "python")
if PACKAGE_PARENT not in sys.path:
    sys.path.insert(0, PACKAGE_PARENT)

from tunicorn_worker import control, wire  # noqa: E402
from tunicorn_worker.threads import Pool  # noqa: E402
from tunicorn_worker.wsgi import WsgiRunner  # noqa: E402


def corpus(name):
    with open(os.path.join(ROOT, "test", "corpus", "wire", name), encoding="utf-8") as file:
        return json.load(file)


BASE_ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/path",
    "QUERY_STRING": "secret=1",
    "RAW_URI": "/path?secret=1",
    "REQUEST_URI": "/path?secret=1",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8000",
    "REMOTE_ADDR": "127.0.0.1",
    "REMOTE_PORT": "50000",
    "wsgi.url_scheme": "http",
    "HTTP_HOST": "127.0.0.1:8000",
}
TIMEOUT = 10.0


def frame(stream, kind, flags=0, payload=b""):
    return struct.pack("<IIBBH", len(payload), stream, kind, flags, 0) + payload


def request(stream, body=None, **changes):
    """REQUEST and BODY frames. `body`: bytes sent in two frames."""
    environ = dict(BASE_ENVIRON, **changes)
    if body is None:
        return frame(stream, wire.REQUEST, wire.END, marshal.dumps(environ))
    environ.setdefault("CONTENT_LENGTH", str(len(body)))
    half = len(body) // 2
    return (
        frame(stream, wire.REQUEST, 0, marshal.dumps(environ))
        + frame(stream, wire.BODY, 0, body[:half])
        + frame(stream, wire.BODY, wire.END, body[half:])
    )


class Reply:
    """What the front got for one stream."""

    def __init__(self):
        self.status = 0
        self.reason = ""
        self.headers = []
        self.length = -1
        self.body = b""
        self.pieces = []
        self.informs = []
        self.abort = None
        self.file = None
        self.is_ended = False

    def take(self, kind, flags, payload):
        if kind in (wire.RESPONSE, wire.FILE):
            self._take_head(kind, payload)
        elif kind == wire.BODY and payload:
            self.pieces.append(payload)
        elif kind == wire.INFORM:
            self.informs.append((struct.unpack_from("<H", payload)[0], payload[2:]))
        elif kind == wire.ABORT:
            self.abort = payload.decode()
        self.body = b"".join(self.pieces)
        self.is_ended = self.is_ended or bool(flags & wire.END)

    def _take_head(self, kind, payload):
        status, flags, reason_length, block_length, low, high, _ = struct.unpack_from("<HBBIIII", payload)
        assert self.status == 0, "two response heads"
        at = 20 + reason_length
        block = payload[at : at + block_length].decode("latin-1")
        assert block.endswith("\r\n")
        self.status = status
        self.reason = payload[20:at].decode("latin-1")
        self.headers = [tuple(line.split(": ", 1)) for line in block[:-2].split("\r\n")[:-1]]
        self.length = low + (high << 32) if flags & wire.HAS_LENGTH else -1
        rest = payload[at + block_length :]
        if kind == wire.FILE:
            self.file = (*struct.unpack_from("<QQQQ", rest), rest[32:].decode())
        elif rest:
            self.pieces.append(rest)


class FakeFront:
    """The other end of a link."""

    def __init__(self, sock):
        self.sock = sock
        self.replies = {}
        self.frames = []
        self._rest = b""
        sock.settimeout(TIMEOUT)

    def send(self, *frames):
        self.sock.sendall(b"".join(frames))

    def read(self):
        """One recv's worth of frames; False at the end."""
        try:
            data = self.sock.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        self._rest += data
        while len(self._rest) >= 12:
            length, stream, kind, flags, _ = struct.unpack_from("<IIBBH", self._rest)
            if len(self._rest) < 12 + length:
                break
            payload, self._rest = self._rest[12 : 12 + length], self._rest[12 + length :]
            self.frames.append((stream, kind, flags, payload))
            self.replies.setdefault(stream, Reply()).take(kind, flags, payload)
        return bool(data)

    def until(self, is_done):
        while not is_done():
            assert self.read(), "the worker closed the link"

    def reply(self, stream):
        """The complete reply to a stream."""
        self.until(lambda: stream in self.replies and self.replies[stream].is_ended)
        return self.replies[stream]


class Records(logging.Handler):
    def __init__(self):
        super().__init__()
        self.messages = []
        self.all = []

    def emit(self, record):
        self.all.append(record)
        self.messages.append(self.format(record))  # with the traceback, if there is one

    @property
    def text(self):
        return "\n".join(self.messages)


class Served:
    """An app behind a real pool and a fake front, in threads of this process."""

    def __init__(self, test, app, threads=1, **settings):
        self.records = Records()
        logger = logging.Logger("served")
        logger.addHandler(self.records)
        self.retired = []
        values = control.Settings()
        values.threads = threads
        values.worker_class = "gthread" if threads > 1 else "sync"
        for name, value in settings.items():
            setattr(values, name, value)
        self.errors = io.StringIO()
        self.runner = WsgiRunner(app, values, logger, self.errors, self.retired.append)
        self.ended = threading.Event()
        self.pool = Pool(threads, lambda link: self.ended.set())
        self.thread = threading.Thread(target=self.pool.serve, args=(self.runner.run,), daemon=True)
        self.thread.start()
        self.front = self.attach(test)
        test.addCleanup(self.stop)

    def attach(self, test):
        ours, theirs = socket.socketpair()
        test.addCleanup(ours.close)
        self.session = self.pool.attach(theirs)
        return FakeFront(ours)

    def stop(self):
        self.pool.stop(quick=True)
        self.thread.join(TIMEOUT)
        assert not self.thread.is_alive(), "the pool did not end"

    def ask(self, body=None, **changes):
        self.front.send(request(1, body, **changes))
        return self.front.reply(1)
