"""asgi workers as real processes: boot, lifespan, loops, signals, stops, and a blocked loop."""

from __future__ import annotations

import json
import os
import signal
import unittest

from support import frame
from support_asgi import request
from test_processes import ProcessTest
from tunicorn_worker import wire

APP = """
import asyncio, logging, os, sys, threading

log = logging.getLogger("uvicorn.error")

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["loop"] = type(asyncio.get_running_loop()).__module__
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if os.environ.get("SLOW_SHUTDOWN"):
            await asyncio.Event().wait()
        log.error("shut down")
        await send({"type": "lifespan.shutdown.complete"})
        return
    path = scope["path"]
    if path == "/block":
        threading.Event().wait()
    if path == "/wait":
        await asyncio.Event().wait()
    if path == "/swallow":
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                pass
    if path == "/thread":
        threading.Thread(target=threading.Event().wait).start()
    if path == "/log":
        logging.getLogger("uvicorn").error("from the app")
        logging.getLogger("uvicorn.access").error("must not be seen")
    if path == "/exit":
        sys.exit(1)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["state"]["loop"].encode()})

class Two:
    def __init__(self, scope):
        self.scope = scope
    async def __call__(self, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.scope["path"].encode()})

async def failing(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "Traceback:\\n  deep\\nNoDatabase: at all"})

async def raising(scope, receive, send):
    raise ValueError("in lifespan")

def make():
    return app
"""


class AsgiProcessTest(ProcessTest):
    def setUp(self):
        super().setUp()
        self.write("app.py", APP)

    def boot(self, app="app:app", **settings):
        self.worker = self.fork(app, **{"workerClass": "auto", **settings})
        self.ready = self.worker.until("ready")
        self.front, self.aside = self.attach(self.worker)
        return self.front

    def ask(self, path="/", stream=1):
        self.front.send(request(stream, path=path))
        return self.front.reply(stream)

    def await_busy(self, count):
        while True:
            self.worker.send(type="ping", id=1)
            if self.worker.until("pong")["busy"] == count:
                return

    def fail(self, app, **settings):
        worker = self.fork(app, **{"workerClass": "auto", **settings})
        failed = worker.until("boot-failed")
        self.assert_exits(code=failed["exitCode"])
        return failed


class BootTest(AsgiProcessTest):
    def test_boots_in_named_steps_and_says_its_interface(self):
        self.boot(workerConnections=7)
        steps = [message["step"] for message in self.worker.seen if message["type"] == "step"]
        self.assertEqual(steps, ["interpreter", "chdir", "import", "attribute", "lifespan"])
        self.assertEqual((self.ready["interface"], self.ready["slots"]), ("asgi", 7))
        self.assertIn(self.ask().body, (b"asyncio.unix_events", b"uvloop"))

    def test_runs_the_loop_that_was_named(self):
        self.write("loops.py", "import asyncio\nclass Own(asyncio.SelectorEventLoop): pass\n")
        for name, module in (("asyncio", b"asyncio.unix_events"), ("loops:Own", b"loops")):
            self.boot(loop=name, workerClass="asgi" if name == "asyncio" else "auto")
            self.assertEqual(self.ask().body, module)

    def test_lets_apps_ask_for_the_loop_while_they_are_imported(self):
        self.write(
            "early.py",
            "import asyncio\nloop = asyncio.get_event_loop()\n"
            + APP.replace(
                '"loop"] = type(asyncio.get_running_loop()).__module__',
                '"loop"] = str(loop is asyncio.get_running_loop())',
            ),
        )
        self.boot("early:app", workerClass="asgi")
        self.assertEqual(self.ask().body, b"True")

    def test_runs_factories_and_asgi_2(self):
        self.boot("app:make()")
        self.assertEqual(self.ask().status, 200)
        self.boot("app:Two")
        self.assertEqual(self.ask("/two").body, b"/two")

    def test_does_not_load_asyncio_for_a_wsgi_app(self):
        self.write(
            "plain.py",
            """
            import sys
            def app(environ, start_response):
                start_response("200 OK", [])
                return [str("asyncio" in sys.modules).encode()]
            """,
        )
        self.boot("plain:app")
        self.assertEqual(self.ready["interface"], "wsgi")

    def test_fails_when_lifespan_fails(self):
        failed = self.fail("app:failing")
        self.assertEqual((failed["step"], failed["exitCode"]), ("lifespan", 3))
        self.assertEqual(failed["message"], "lifespan startup failed: NoDatabase: at all")
        self.assertIn("  deep\n", failed["traceback"])
        failed = self.fail("app:raising", lifespan="on")
        self.assertEqual((failed["step"], failed["exitCode"]), ("lifespan", 3))
        self.assertIn("ValueError: in lifespan", failed["traceback"])

    def test_fails_when_the_loop_does_not_exist(self):
        for name, words in (
            ("surely_not:Loop", "there is no event loop surely_not:Loop"),
            ("app:surely_not", "there is no event loop app:surely_not"),
            ("builtins:dict", "builtins:dict made dict"),
        ):
            failed = self.fail("app:app", loop=name)
            self.assertEqual((failed["step"], failed["exitCode"]), ("interpreter", 3))
            self.assertIn(words, failed["message"])


class StopTest(AsgiProcessTest):
    def test_shuts_the_app_down_on_a_graceful_stop(self):
        self.boot()
        self.ask()
        self.worker.send(type="stop", mode="graceful")
        self.assert_exits(code=0)
        self.assertIn("shut down", self.log_text())

    def test_does_not_on_a_quick_stop(self):
        self.boot()
        self.front.send(request(1, path="/wait"), request(2, path="/swallow"))
        self.await_busy(2)
        self.worker.send(type="stop", mode="quick")
        self.assert_exits(code=0)
        self.assertNotIn("shut down", self.log_text())

    def test_ends_within_the_grace_whatever_the_app_does(self):
        for path in ("/wait", "/swallow"):
            self.boot(lifespanShutdownTimeoutMs=50)
            self.front.send(request(1, path=path))
            self.await_busy(1)
            self.worker.send(type="stop", mode="graceful", graceMs=200)
            self.assert_exits(code=0)
            self.assertIn(f"Cancelling 1 requests that still run: GET {path}", self.log_text())

    def test_does_not_wait_for_a_shutdown_or_a_thread_that_never_ends(self):
        self.boot(lifespanShutdownTimeoutMs=50, env=[["SLOW_SHUTDOWN", "1"]])
        self.ask("/thread")
        self.worker.send(type="stop", mode="graceful")
        self.assert_exits(code=0)
        self.assertIn("shutdown did not end within 0.05 seconds", self.log_text())

    def test_ends_by_itself_when_the_arbiter_is_gone_even_when_the_loop_is_blocked(self):
        self.boot()
        self.front.send(request(1, path="/block"))
        self.await_busy(1)
        self.worker.close()
        self.assert_exits(code=1)

    def test_hears_signals_whatever_loop_runs(self):
        self.boot()
        self.ask()
        os.kill(self.pid, signal.SIGTERM)
        self.assertEqual(self.worker.until("retire")["cause"], "signal SIGTERM")
        os.kill(self.pid, signal.SIGINT)
        self.assert_exits(code=0)

    def test_asks_to_retire_when_the_app_exits(self):
        self.boot()
        self.assertEqual(self.ask("/exit").status, 500)
        self.assertEqual(self.worker.until("retire")["cause"], "the application raised SystemExit")


class WatchTest(AsgiProcessTest):
    def test_reports_a_blocked_loop_and_takes_requests_back(self):
        self.boot(loopBlockedMs=50)
        self.front.send(request(1, path="/block") + request(2))
        while "blocked for" not in self.log_text():
            self.worker.send(type="ping", id=1)
            self.worker.until("pong")
        self.assertIn("threading.Event().wait()", self.log_text())
        self.aside.send(frame(0, wire.TAKE_BACK))
        self.aside.until(lambda: self.aside.frames)
        self.assertEqual(self.aside.frames, [(0, wire.TAKEN, 0, b"\1\0\0\0\2\0\0\0")])
        self.worker.send(type="ping", id=2)
        self.assertGreater(self.worker.until("pong")["sinceProgressMs"], 49)

    def test_tells_where_tasks_wait(self):
        self.boot()
        self.front.send(request(1, path="/wait"))
        self.await_busy(1)
        self.worker.send(type="stacks", id=1)
        text = self.worker.until("stacks")["text"]
        self.assertIn("The event loop's tasks:", text)
        self.assertIn("await asyncio.Event().wait()", text)

    def test_costs_an_idle_process_no_wakeups(self):
        self.boot(loopBlockedMs=5)
        self.ask()
        self.worker.send(type="ping", id=1)
        self.worker.until("pong")

        def switches():
            total = 0
            for task in os.listdir(f"/proc/{self.pid}/task"):
                with open(f"/proc/{self.pid}/task/{task}/status") as file:
                    total += sum(int(line.split()[1]) for line in file if line.startswith("voluntary"))
            return total

        if not os.path.exists(f"/proc/{self.pid}/task"):
            self.skipTest("needs /proc")
        quiet = 0
        last = switches()
        for _ in range(2_000):  # bounded; each turn gives the process time to be busy
            self.forkserver.send(type="of-the-future")
            now = switches()
            quiet = quiet + 1 if now == last else 0
            last = now
            if quiet > 100:
                return
        self.fail("the process does not come to rest")


class LogTest(AsgiProcessTest):
    def test_writes_what_uvicorns_loggers_are_told(self):
        self.boot()
        self.ask("/log")
        self.assertIn("[ERROR] from the app", self.log_text())
        self.assertNotIn("must not be seen", self.log_text())

    def test_applies_the_users_logging_configuration(self):
        path = os.path.join(self.folder, "own.log")
        handler = {"class": "logging.FileHandler", "filename": path, "formatter": "own"}
        config = {
            "version": 1,
            "formatters": {"own": {"format": "own: %(message)s"}},
            "handlers": {"own": handler},
            "loggers": {"uvicorn": {"handlers": ["own"], "level": "INFO"}},
        }
        self.write("log.json", json.dumps(config))
        self.boot(logConfig=os.path.join(self.folder, "log.json"))
        self.ask("/log")
        with open(path) as file:
            self.assertIn("own: from the app", file.read())

    def test_fails_clearly_when_the_configuration_is_wrong(self):
        self.write("log.json", '{"version": 7}')
        failed = self.fail("app:app", logConfig=os.path.join(self.folder, "log.json"))
        self.assertIn("log.json cannot be applied: ", failed["message"])
        failed = self.fail("app:app", logConfig=os.path.join(self.folder, "log.ini"))
        self.assertIn("log.ini cannot be applied: FileNotFoundError", failed["message"])


del ProcessTest  # unittest would run its tests here again

if __name__ == "__main__":
    unittest.main()
