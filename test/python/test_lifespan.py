"""Lifespan: startup before the first request, shutdown after the last, and apps that do not know of it."""

from __future__ import annotations

import asyncio
import logging
import unittest

from support import TIMEOUT, Records
from tunicorn_worker.lifespan import Lifespan, LifespanFailed

COMPLETE = {"type": "lifespan.startup.complete"}
SHUT = {"type": "lifespan.shutdown.complete"}


class LifespanTest(unittest.TestCase):
    def run_lifespan(self, app, mode="auto", shutdown=True, timeout=TIMEOUT):
        self.records = Records()
        log = logging.Logger("lifespan")
        log.addHandler(self.records)

        async def run():
            self.lifespan = Lifespan(app, mode, log)
            try:
                await self.lifespan.startup(timeout)
                if shutdown:
                    await self.lifespan.shutdown(timeout)
            finally:
                await self.lifespan.abandon(TIMEOUT)

        asyncio.run(run())

    def assert_fails(self, app, words, mode="auto", **options):
        with self.assertRaises(LifespanFailed) as caught:
            self.run_lifespan(app, mode, **options)
        self.assertIn(words, str(caught.exception))
        return caught.exception

    def test_runs_startup_and_shutdown_with_state(self):
        async def app(scope, receive, send):
            scope["state"]["answer"] = 42
            seen.append((scope["type"], scope["asgi"]["version"], await receive()))
            await send(COMPLETE)
            seen.append(await receive())
            await send(SHUT)

        seen = []
        self.run_lifespan(app, "on")
        self.assertEqual(
            seen,
            [("lifespan", "3.0", {"type": "lifespan.startup"}), {"type": "lifespan.shutdown"}],
        )
        self.assertEqual((self.lifespan.state, self.records.text), ({"answer": 42}, ""))

    def test_tells_nothing_when_off(self):
        async def app(scope, receive, send):
            raise AssertionError("called")

        self.run_lifespan(app, "off")

    def test_serves_apps_that_do_not_know_of_it(self):
        async def raising(scope, receive, send):
            assert scope["type"] == "http", "only http"

        async def returning(scope, receive, send):
            return None

        for app, words in ((raising, "AssertionError: only http"), (returning, "it returned")):
            self.run_lifespan(app)
            self.assertIn(words, self.records.text)
            error = self.assert_fails(app, "ended its lifespan task during startup", "on")
            self.assertEqual(isinstance(error.__cause__, AssertionError), app is raising)

    def test_fails_when_the_app_says_so(self):
        async def app(scope, receive, send):
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no database"})
            raise ValueError("as Starlette does")

        self.assert_fails(app, "no database")

    def test_fails_when_the_app_wants_to_exit(self):
        async def app(scope, receive, send):
            raise SystemExit(7)

        self.assert_fails(app, "the application raised SystemExit: 7")

    def test_fails_when_startup_takes_too_long(self):
        async def app(scope, receive, send):
            await asyncio.Event().wait()

        self.assert_fails(app, "startup did not end within 0.01 seconds", timeout=0.01)

    def test_does_not_wait_for_a_shutdown_that_takes_too_long(self):
        async def app(scope, receive, send):
            await receive()
            await send(COMPLETE)
            await receive()
            await asyncio.Event().wait()

        self.run_lifespan(app, timeout=0.05)
        self.assertIn("shutdown did not end within 0.05 seconds", self.records.text)

    def test_logs_what_goes_wrong_at_shutdown(self):
        async def failing(scope, receive, send):
            await receive()
            await send(COMPLETE)
            await receive()
            await send({"type": "lifespan.shutdown.failed", "message": "still open"})

        async def raising(scope, receive, send):
            await receive()
            await send(COMPLETE)
            await receive()
            raise ValueError("mine")

        self.run_lifespan(failing)
        self.assertIn("still open", self.records.text)
        self.run_lifespan(raising)
        self.assertIn("ValueError: mine", self.records.text)

    def test_logs_what_ended_the_task_in_between(self):
        async def app(scope, receive, send):
            await receive()
            await send(COMPLETE)
            raise ValueError("background")

        self.run_lifespan(app)
        self.assertIn("ValueError: background", self.records.text)

    def test_refuses_answers_that_are_none(self):
        async def app(scope, receive, send):
            await send({"type": "http.response.start"})

        self.run_lifespan(app)
        self.assertIn("RuntimeError", self.records.text)

        async def twice(scope, receive, send):
            await receive()
            await send(COMPLETE)
            await send(COMPLETE)

        self.run_lifespan(twice)
        self.assertIn("already answered", self.records.text)

    def test_abandons_an_app_on_a_quick_stop(self):
        async def app(scope, receive, send):
            await receive()
            await send(COMPLETE)
            try:
                await receive()
            finally:
                ended.append(True)

        ended = []
        self.run_lifespan(app, shutdown=False)
        self.assertEqual(ended, [True])


if __name__ == "__main__":
    unittest.main()
