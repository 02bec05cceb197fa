"""What one request costs a worker, without HTTP and without a second process: microseconds of CPU at
several batch sizes.

python bench/micro/worker.py [seconds per row]
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))

from tunicorn_worker import control, wire
from tunicorn_worker.threads import Link
from tunicorn_worker.wsgi import WsgiRunner

BATCHES = (1, 8, 32)
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", "13")]


def hello(environ, start_response):
    start_response("200 OK", HEADERS)
    return [b"Hello, World!"]


def varying(environ, start_response):
    """As a framework answers: a fresh header list, a length that varies, an iterable with close()."""
    body = b"x" * (100 + len(environ["QUERY_STRING"]))
    start_response(
        "200 OK", [("Content-Type", "text/html"), ("Vary", "Cookie"), ("Content-Length", str(len(body)))]
    )
    return Closing(body)


class Closing:
    def __init__(self, body):
        self.body = body

    def __iter__(self):
        yield self.body

    def close(self):
        pass


def text(value):
    return b"z" + bytes([len(value)]) + value.encode()


def request_head():
    fixed = (
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", "/"),
        ("QUERY_STRING", ""),
        ("RAW_URI", "/"),
        ("REQUEST_URI", "/"),
    )
    server = ("SERVER_PROTOCOL", "HTTP/1.1"), ("SERVER_NAME", "127.0.0.1"), ("SERVER_PORT", "8000")
    client = ("REMOTE_ADDR", "127.0.0.1"), ("REMOTE_PORT", "51234"), ("wsgi.url_scheme", "http")
    fields = ("HTTP_HOST", "127.0.0.1:8000"), ("HTTP_USER_AGENT", "wrk/4.2.0"), ("HTTP_ACCEPT", "*/*")
    pairs = [("REQUEST_METHOD", "GET"), *fixed, *server, *client, *fields, ("HTTP_CONNECTION", "keep-alive")]
    return b"{" + b"".join(text(key) + text(value) for key, value in pairs) + b"0"


def measure(app, batch, seconds):
    front, back = socket.socketpair()
    session = Link(back).session
    settings = control.Settings()
    run = WsgiRunner(app, settings, logging.getLogger("bench"), sys.stderr, print).run
    head = request_head()
    stream = spent = requests = 0
    while spent < seconds:
        frames = []
        for _ in range(batch):
            stream += 1
            frames.append(struct.pack("<IIBBH", len(head), stream, wire.REQUEST, wire.END, 0) + head)
        front.sendall(b"".join(frames))
        began = time.process_time()
        for _ in range(batch):
            run(session, session.take())
        session.flush()
        spent += time.process_time() - began
        requests += batch
        front.recv(1 << 20)
    front.close()
    back.close()
    return spent / requests * 1e6


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    print(f"{sys.implementation.name} {sys.version.split()[0]}: CPU microseconds per request")
    for app in (hello, varying):
        row = "  ".join(f"batch {batch}: {measure(app, batch, seconds):6.2f}" for batch in BATCHES)
        print(f"{app.__name__:10} {row}")


if __name__ == "__main__":
    main()
