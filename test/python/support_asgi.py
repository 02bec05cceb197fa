"""An ASGI app behind a real pool and a fake front: the pool's loop runs in a thread of this process."""

from __future__ import annotations

import asyncio
import logging
import marshal
import socket
import struct
import threading

from support import TIMEOUT, FakeFront, Records, frame
from tunicorn_worker import aio, control, event_loop, wire
from tunicorn_worker.lifespan import Lifespan

HTTP_SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/path",
    "raw_path": b"/path",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"127.0.0.1:8000")],
    "client": ("127.0.0.1", 50000),
    "server": ("127.0.0.1", 8000),
}
START = {"type": "http.response.start", "status": 200, "headers": []}


def body(data=b"", more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}


def request(stream, flags=wire.END, **changes):
    return frame(stream, wire.REQUEST, flags, marshal.dumps(dict(HTTP_SCOPE, **changes), 2))


def websocket(stream, **changes):
    scope = dict(HTTP_SCOPE, type="websocket", scheme="ws", subprotocols=["chat"], **changes)
    del scope["method"]
    return frame(stream, wire.REQUEST, 0, marshal.dumps(scope, 2))


def credit(stream, count):
    return frame(stream, wire.CREDIT, 0, struct.pack("<I", count))


def cancel(stream):
    return frame(stream, wire.CANCEL, 0, b"\1")


def close(stream, code, reason=b""):
    return frame(stream, wire.WS_CLOSE, 0, struct.pack("<H", code) + reason)


class ServedAsgi:
    """`facts` is for the app to tell the test; `note` may be called from any thread, `await_note` waits for it."""

    def __init__(self, test, app, lifespan="off", **settings):
        self.facts = []
        self._noted = threading.Condition()
        self.retired = []
        self.records = Records()
        self.log = logging.Logger("served")
        self.log.addHandler(self.records)
        self.settings = control.Settings()
        for name, value in settings.items():
            setattr(self.settings, name, value)
        self._app = app
        self._mode = lifespan
        self._booted = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self._booted.wait(TIMEOUT), "the pool did not start"
        self.front = self.attach(test)
        test.addCleanup(self.stop)

    def _run(self):
        loop = event_loop.new_loop("asyncio")
        try:
            loop.run_until_complete(self._serve(loop))
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    async def _serve(self, loop):
        self.pool = aio.AsyncPool(loop, self.settings, self.log, self.retired.append)
        lifespan = Lifespan(self._app, self._mode, self.log)
        await lifespan.startup(TIMEOUT)
        self._booted.set()
        await self.pool.serve(self._app, lifespan)
        await loop.shutdown_default_executor() if hasattr(loop, "shutdown_default_executor") else None

    def attach(self, test):
        ours, theirs = socket.socketpair()
        test.addCleanup(ours.close)
        self.link = self.pool.attach(theirs)
        return FakeFront(ours)

    def stop(self):
        self.pool.stop(quick=True)
        self.join()

    def join(self):
        self.thread.join(TIMEOUT)
        assert not self.thread.is_alive(), "the pool did not end"

    def note(self, fact):
        with self._noted:
            self.facts.append(fact)
            self._noted.notify_all()

    def await_facts(self, count):
        with self._noted:
            assert self._noted.wait_for(lambda: len(self.facts) >= count, TIMEOUT), f"only {self.facts}"
        return self.facts

    def call(self, function):
        """Runs it on the loop; its result."""
        done = threading.Event()
        results = []

        def run():
            results.append(function())
            done.set()

        self.pool.call(run)
        assert done.wait(TIMEOUT)
        return results[0]

    def ask(self, **changes):
        self.front.send(request(1, **changes))
        return self.front.reply(1)

    def frames(self, kind):
        return [found[3] for found in self.front.frames if found[1] == kind]

    def until_frame(self, kind, count=1):
        self.front.until(lambda: len(self.frames(kind)) >= count)
        return self.frames(kind)
