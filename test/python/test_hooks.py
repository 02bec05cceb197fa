"""The hooks' objects, the request hooks around both kinds of applications, and the fork guard."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import unittest

import support
from tunicorn_worker import preload
from tunicorn_worker.cfg import Cfg, parsed_address
from tunicorn_worker.hooks import Hooks, Server, Worker

CFG = {"bind": ["127.0.0.1:8000", "unix:/x"], "raw_env": ["A=1"], "timeout": 30, "proc_name": "n"}
CFG.update(worker_class="sync", workers=2, logger_class="")


def make(functions):
    log = logging.getLogger("test.hooks")
    log.propagate = False
    log.handlers[:] = [logging.NullHandler()]
    cfg = Cfg(CFG, functions)
    server = Server(cfg, log, ["http://127.0.0.1:8000", "unix:/x"], 99, 2)
    return Hooks(functions, server)


class CfgTest(unittest.TestCase):
    def test_has_every_setting_as_attribute_and_in_settings(self):
        cfg = Cfg(CFG, {"pre_fork": print})
        self.assertEqual(cfg.workers, 2)
        self.assertEqual(cfg.settings["workers"].get(), 2)
        self.assertIs(cfg.pre_fork, print)
        self.assertEqual(cfg.env, {"A": "1"})
        self.assertEqual(cfg.address, [("127.0.0.1", 8000), "/x"])
        with self.assertRaises(AttributeError):
            cfg.no_such_setting  # noqa: B018

    def test_addresses_are_parsed_as_gunicorn_has_them(self):
        self.assertEqual(parsed_address("[::1]:80"), ("::1", 80))
        self.assertEqual(parsed_address("fd://3"), 3)


class ServerHooksTest(unittest.TestCase):
    def test_a_worker_is_known_from_before_its_fork_until_after_its_exit(self):
        seen = []
        hooks = make(
            {
                "pre_fork": lambda server, worker: seen.append(("pre", worker.pid, list(server.WORKERS))),
                "child_exit": lambda server, worker: seen.append(("exit", worker.pid, list(server.WORKERS))),
            }
        )
        worker = hooks.before_fork(5, 0)
        hooks.forked(1234, worker)
        self.assertEqual(hooks.server.WORKERS, {1234: worker})
        hooks.reaped(4321)
        hooks.reaped(1234)
        self.assertEqual(seen, [("pre", "[booting]", []), ("exit", 1234, [])])
        self.assertEqual((worker.age, worker.alive), (5, False))

    def test_worker_exit_is_called_in_the_parent_when_the_worker_did_not_come_to_it(self):
        seen = []
        hooks = make({"worker_exit": lambda server, worker: seen.append(worker.pid)})
        killed, orderly = hooks.before_fork(1, 0), hooks.before_fork(2, 1)
        hooks.forked(10, killed)
        hooks.forked(11, orderly)
        child = os.fork()
        if child == 0:
            hooks.exited(orderly)
            os._exit(len(seen))
        self.assertEqual(os.waitpid(child, 0)[1] >> 8, 1)
        hooks.reaped(10)
        hooks.reaped(11)
        self.assertEqual(seen, [10])

    def test_a_hook_that_raises_is_logged_and_no_more(self):
        def broken(server):
            raise ValueError("broken hook")

        hooks = make({"on_reload": broken})
        with self.assertLogs("test.hooks", "ERROR") as logs:
            hooks.call("on_reload", hooks.server)
        self.assertIn("broken hook", logs.output[0])

    def test_a_hook_that_raises_is_told_to_a_logger_class_of_gunicorns_kind(self):
        class GunicornLog:
            """It has the methods of a logger and is none."""

            def __init__(self):
                self.errors = []

            def error(self, message, *arguments):
                self.errors.append(message % arguments)

        def broken(server):
            raise ValueError("broken hook")

        hooks = make({"on_reload": broken})
        hooks.server.log = GunicornLog()
        hooks.call("on_reload", hooks.server)
        (line,) = hooks.server.log.errors
        self.assertTrue(line.startswith("The hook on_reload failed\nTraceback"), line)
        self.assertIn("broken hook", line)


class RequestHooksTest(unittest.TestCase):
    def setUp(self):
        self.seen = []

    def hooked(self, app, is_asgi=False, **functions):
        hooks = make(functions)
        self.worker = Worker(hooks.server, 1, 0)
        return hooks.around_requests(app, self.worker, is_asgi)

    def test_without_them_the_application_is_itself(self):
        self.assertIs(self.hooked(print), print)

    def test_see_a_wsgi_request_and_its_response(self):
        def app(environ, start_response):
            self.seen.append("app")
            start_response("201 Created", [("Content-Length", "4")])
            return [b"ab", b"cd"]

        hooked = self.hooked(
            app,
            pre_request=lambda worker, req: self.seen.append((req.method, req.path, req.query, req.version)),
            post_request=lambda worker, req, environ, resp: self.seen.append(
                (resp.status, resp.status_code, resp.sent, resp.response_length, environ["HTTP_HOST"])
            ),
        )
        result = hooked(dict(support.BASE_ENVIRON, **{"wsgi.url_scheme": "http"}), lambda *a: None)
        self.assertEqual(b"".join(result), b"abcd")
        self.assertEqual(len(self.seen), 2, "the response is not over before it is closed")
        result.close()
        self.assertEqual(
            self.seen,
            [
                ("GET", "/path", "secret=1", (1, 1)),
                "app",
                ("201 Created", 201, 4, 4, "127.0.0.1:8000"),
            ],
        )
        self.assertEqual(self.worker.nr, 1)

    def test_post_request_follows_an_application_that_raises(self):
        def app(environ, start_response):
            raise KeyError("x")

        hooked = self.hooked(app, post_request=lambda worker, req: self.seen.append(req.path))
        with self.assertRaises(KeyError):
            hooked(dict(support.BASE_ENVIRON), lambda *a: None)
        self.assertEqual(self.seen, ["/path"])

    def test_see_an_asgi_request_and_its_response(self):
        async def app(scope, receive, send):
            headers = [(b"x", b"y")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"abc"})

        async def send(message):
            self.seen.append(message["type"])

        hooked = self.hooked(
            app,
            is_asgi=True,
            pre_request=lambda worker, req: self.seen.append(req.uri),
            post_request=lambda worker, req, environ, resp: self.seen.append(
                (environ, resp.status_code, resp.headers, resp.sent)
            ),
        )
        scope = {"type": "http", "method": "GET", "path": "/é", "raw_path": b"/%C3%A9"}
        scope.update(query_string=b"a=1", headers=[], http_version="1.1", client=None)
        asyncio.run(hooked(scope, None, send))
        self.assertEqual(
            self.seen,
            [
                "/%C3%A9?a=1",
                "http.response.start",
                "http.response.body",
                (None, 200, [("x", "y")], 3),
            ],
        )


class ForkGuardTest(unittest.TestCase):
    def test_names_threads_loops_and_sockets(self):
        before = list(preload.open_sockets())
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait, name="poller", daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(stop.set)
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)
        found = preload.unshareable(before)
        self.assertIn("poller", found)
        self.assertIn(type(loop).__name__, found)
        if preload.open_sockets():  # Linux
            self.assertIn(f"127.0.0.1:{port}", found)


if __name__ == "__main__":
    unittest.main()
