"""What one ASGI request costs a worker, without HTTP and without a second process: microseconds of CPU at
several batch sizes, the best of five rounds. The front's half is fed by a callback of the same loop, and is not counted.

python bench/micro/asgi.py [seconds per row] [loop]
"""

from __future__ import annotations

import asyncio
import logging
import marshal
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))

from tunicorn_worker import aio, control, event_loop, wire
from tunicorn_worker.lifespan import Lifespan

BATCHES = (1, 8, 32)
ROUNDS = 5
HEADERS = [(b"content-type", b"text/plain"), (b"content-length", b"14")]
SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"wrk/4.2.0"), (b"accept", b"*/*")],
    "client": ("127.0.0.1", 51234),
    "server": ("127.0.0.1", 8000),
}


async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"Hello, world!\n"})


async def varying(scope, receive, send):
    """As a framework answers: receives, a fresh header list, a length that varies, a suspension."""
    await receive()
    await asyncio.sleep(0)
    body = b"x" * (100 + len(scope["query_string"]))
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Front:
    """Sends a batch when the last one is answered; its own time is taken out."""

    def __init__(self, loop, sock, batch, seconds, done):
        self.loop = loop
        self.sock = sock
        self.batch = batch
        self.seconds = seconds
        self.done = done
        self.head = marshal.dumps(SCOPE, 2)
        self.stream = self.answers = self.requests = 0
        self.spent = 0.0
        self.began = 0.0
        self.rest = b""
        sock.setblocking(False)
        loop.add_reader(sock.fileno(), self.on_readable)

    def send(self):
        frames = []
        for _ in range(self.batch):
            self.stream += 1
            frames.append(
                struct.pack("<IIBBH", len(self.head), self.stream, wire.REQUEST, wire.END, 0) + self.head
            )
        self.answers = 0
        self.sock.send(b"".join(frames))
        self.began = time.process_time()

    def on_readable(self):
        now = time.process_time()
        data = self.rest + self.sock.recv(1 << 20)
        at = 0
        while len(data) - at >= 12:
            length, _, _, flags = struct.unpack_from("<IIBB", data, at)
            if len(data) - at < 12 + length:
                break
            at += 12 + length
            self.answers += flags & wire.END
        self.rest = data[at:]
        if self.answers < self.batch:
            return
        self.spent += now - self.began
        self.requests += self.batch
        if self.spent < self.seconds:
            self.send()
        else:
            self.done.set()


def measure(app, batch, seconds, loop_name):
    loop = event_loop.new_loop(loop_name)

    async def run():
        ours, theirs = socket.socketpair()
        pool = aio.AsyncPool(loop, control.Settings(), logging.getLogger("bench"), print)
        done = asyncio.Event()
        pool.attach(theirs)
        serving = loop.create_task(pool.serve(app, Lifespan(app, "off", pool.log)))
        await asyncio.sleep(0.01)
        front = Front(loop, ours, batch, seconds, done)
        front.send()
        await done.wait()
        loop.remove_reader(ours.fileno())
        pool.stop(quick=True)
        await serving
        ours.close()
        return front.spent / front.requests * 1e6

    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    loop_name = sys.argv[2] if len(sys.argv) > 2 else "auto"
    print(f"{sys.implementation.name} {sys.version.split()[0]}, {loop_name}: CPU microseconds per request")
    for app in (hello, varying):
        row = [f"batch {batch}: {best(app, batch, seconds, loop_name):6.2f}" for batch in BATCHES]
        print(f"{app.__name__:10} {'  '.join(row)}", flush=True)


def best(app, batch, seconds, loop_name):
    return min(measure(app, batch, seconds / ROUNDS, loop_name) for _ in range(ROUNDS))


if __name__ == "__main__":
    main()
