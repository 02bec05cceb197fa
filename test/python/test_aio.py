"""A link on the event loop: many requests, taking back, draining, stopping, the link's end, and a blocked loop."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import unittest

from support import TIMEOUT, frame
from support_asgi import START, ServedAsgi, body, cancel, close, request, websocket
from tunicorn_worker import wire
from tunicorn_worker.loop_watch import LoopWatch

DRAIN = frame(0, wire.DRAIN)


class Gate:
    """An app that says when it started and waits until it may go on. "/quick" does not wait; "/block" holds the loop."""

    def __init__(self):
        self.go = threading.Event()
        self.opened = None

    async def __call__(self, scope, receive, send):
        path = scope["path"]
        self.served.note(path)
        if path == "/block":
            assert self.go.wait(TIMEOUT)
        elif path == "/swallow":
            await self.swallow()
        elif path != "/quick":
            if self.opened is None:
                self.opened = asyncio.Event()
            await self.opened.wait()
        await send(START)
        await send(body(path.encode()))
        if path == "/background":
            self.served.note("answered")
            await asyncio.Event().wait()

    async def swallow(self):
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.served.note("swallowed")

    def open(self):
        self.go.set()
        if self.opened is not None:
            self.served.call(self.opened.set)


class AioTest(unittest.TestCase):
    def serve(self, **settings):
        self.gate = Gate()
        self.served = self.gate.served = ServedAsgi(self, self.gate, **settings)
        self.addCleanup(self.gate.go.set)
        return self.served

    def assert_link_ends(self):
        while self.served.front.read():
            pass


class ManyTest(AioTest):
    def test_answers_others_while_some_wait(self):
        served = self.serve()
        served.front.send(*[request(number, path=f"/{number}") for number in range(1, 101)])
        served.await_facts(100)
        served.front.send(request(101, path="/quick"))
        self.assertEqual(served.front.reply(101).body, b"/quick")
        self.assertEqual((served.pool.busy, served.pool.requests), (100, 1))
        self.gate.open()
        self.assertEqual(served.front.reply(57).body, b"/57")
        served.front.until(lambda: all(reply.is_ended for reply in served.front.replies.values()))
        self.assertEqual(len(served.front.replies), 101)

    def test_reads_requests_byte_by_byte(self):
        served = self.serve()
        for byte in request(1, path="/quick"):
            served.front.sock.sendall(bytes([byte]))
        self.assertEqual(served.front.reply(1).body, b"/quick")

    def test_survives_a_front_that_reads_nothing_for_a_while(self):
        async def app(scope, receive, send):
            await send(START)
            await send(body(b"x" * 60_000))

        served = ServedAsgi(self, app)
        count = 200  # 12 MB: more than any socket holds
        served.front.send(*[request(number) for number in range(1, count + 1)])
        served.front.until(lambda: sum(reply.is_ended for reply in served.front.replies.values()) == count)
        self.assertEqual({len(reply.body) for reply in served.front.replies.values()}, {60_000})

    def test_holds_little_of_many_streams_that_all_begin_in_one_turn(self):
        sent = []

        async def app(scope, receive, send):
            if scope["path"] == "/last":
                served.note("last")
                return
            await send(START)
            while True:
                await send(body(b"x" * 60_000, more=True))
                sent.append(60_000)

        served = ServedAsgi(self, app)
        served.front.send(*[request(number) for number in range(1, 201)], request(201, path="/last"))
        served.await_facts(1)
        self.assertLess(sum(sent), 20_000_000)  # credit allows for 48 MB


class TakeBackTest(AioTest):
    def take_back(self):
        """From this thread, as the control thread does."""
        return self.served.link.take_back()

    def test_gives_back_what_a_blocked_loop_has_not_started(self):
        served = self.serve()
        served.front.send(request(1, path="/quick") + request(2, path="/block") + request(3) + request(4, 0))
        served.await_facts(2)
        served.front.send(request(5, path="/quick"), frame(4, wire.BODY, 0, b"half"))
        taken = []
        while 5 not in taken:
            taken += self.take_back()
        self.assertEqual(sorted(taken), [3, 4, 5])
        self.assertEqual(served.front.reply(1).body, b"/quick")
        served.front.send(frame(4, wire.BODY, wire.END, b"rest"), request(6, path="/quick"))
        self.gate.open()
        self.assertEqual(served.front.reply(2).body, b"/block")
        self.assertEqual(served.front.reply(6).body, b"/quick")
        self.assertEqual(served.facts, ["/quick", "/block", "/quick"])
        self.assertEqual(self.take_back(), [])

    def test_applies_late_what_it_read_for_others(self):
        async def app(scope, receive, send):
            if scope["path"] == "/block":
                served.note("blocked")
                assert go.wait(TIMEOUT)
            data = b""
            while not data.endswith(b"."):
                served.note("reads")
                data += (await receive())["body"]
            await send(START)
            await send(body(data))

        go = threading.Event()
        served = ServedAsgi(self, app)
        self.addCleanup(go.set)
        served.front.send(request(1, 0))
        served.await_facts(1)
        served.front.send(request(2, 0, path="/block"))
        served.await_facts(2)
        for piece in (b"a", b"b"):
            served.front.send(frame(1, wire.BODY, 0, piece))
            served.link.take_back()
        served.front.send(frame(1, wire.BODY, 0, b"c"), frame(1, wire.BODY, wire.END, b"."))
        go.set()
        self.assertEqual(served.front.reply(1).body, b"abc.")


class DrainTest(AioTest):
    def test_closes_the_link_when_all_is_answered(self):
        served = self.serve()
        served.front.send(request(1) + request(2) + DRAIN)
        served.await_facts(2)
        self.gate.open()
        self.assertEqual((served.front.reply(1).body, served.front.reply(2).body), (b"/path", b"/path"))
        self.assert_link_ends()
        front = served.attach(self)
        front.send(request(1, path="/quick"))
        self.assertEqual(front.reply(1).body, b"/quick")

    def test_closes_an_idle_link_at_once(self):
        self.serve().front.send(DRAIN)
        self.assert_link_ends()

    def test_does_not_wait_for_work_after_the_answer(self):
        served = self.serve()
        served.front.send(request(1, path="/background"))
        served.await_facts(1)
        served.call(lambda: self.gate.opened.set())
        served.await_facts(2)
        served.front.send(DRAIN)
        self.assert_link_ends()
        self.assertEqual(served.pool.busy, 1)

    def test_ends_a_websocket_that_the_front_closed(self):
        async def app(scope, receive, send):
            await receive()
            await send({"type": "websocket.accept"})
            served.note((await receive())["code"])

        served = self.served = ServedAsgi(self, app)
        served.front.send(websocket(1))
        served.until_frame(wire.WS_ACCEPT)
        served.front.send(DRAIN, close(1, 1012))
        self.assert_link_ends()
        self.assertEqual(served.await_facts(1), [1012])


class StopTest(AioTest):
    def test_finishes_what_runs_when_stopped_gracefully(self):
        served = self.serve()
        served.front.send(request(1))
        served.await_facts(1)
        served.pool.stop(quick=False)
        self.gate.open()
        self.assertEqual(served.front.reply(1).body, b"/path")
        self.assert_link_ends()
        served.join()
        self.assertEqual(served.records.text, "")

    def test_stops_at_once_when_idle(self):
        for quick in (True, False):
            served = self.serve()
            served.pool.stop(quick)
            served.join()

    def test_stops_at_once_without_a_link(self):
        served = self.serve()
        served.front.sock.close()
        served.pool.stop(quick=False)
        served.join()

    def test_cancels_what_runs_when_stopped_quickly(self):
        served = self.serve()
        served.front.send(request(1))
        served.await_facts(1)
        served.pool.stop(quick=True)
        served.join()
        self.assertEqual(served.records.text, "")

    def test_cancels_what_still_runs_when_the_grace_is_over(self):
        served = self.serve()
        served.front.send(request(1, path="/slow"))
        served.await_facts(1)
        served.pool.stop(quick=False, grace=0.05)
        served.join()
        self.assertIn("Cancelling 1 requests that still run: GET /slow", served.records.text)

    def test_hastens_by_a_second_stop(self):
        served = self.serve()
        served.front.send(request(1))
        served.await_facts(1)
        served.pool.stop(quick=False, grace=1000)
        served.pool.stop(quick=True)
        served.join()

    def test_does_not_wait_for_an_app_that_swallows_its_cancellation(self):
        served = self.serve()
        served.front.send(request(1, path="/swallow"))
        served.await_facts(1)
        served.pool.stop(quick=True)
        served.join()
        self.assertIn("swallowed", served.facts)
        self.assertIn("1 cancelled requests did not end", served.records.text)
        self.assertIn("in swallow", served.records.text)


class EndTest(AioTest):
    def test_tells_all_apps_when_the_front_is_gone_and_serves_the_next_one(self):
        async def app(scope, receive, send):
            if scope["path"] == "/quick":
                await send(START)
                await send(body())
                return
            served.note(scope["type"])
            await receive()
            served.note((await receive())["type"])

        served = ServedAsgi(self, app)
        served.front.send(request(1), websocket(2))
        served.await_facts(2)
        served.front.sock.close()
        self.assertEqual(sorted(served.await_facts(4)[2:]), ["http.disconnect", "websocket.disconnect"])
        front = served.attach(self)
        front.send(request(1, path="/quick"))
        self.assertEqual(front.reply(1).status, 200)

    def test_leaves_a_front_when_told_to_or_when_another_comes(self):
        served = self.serve()
        served.pool.detach()
        self.assert_link_ends()
        served.front = served.attach(self)
        other = served.attach(self)
        self.assert_link_ends()
        other.send(request(1, path="/quick"))
        self.assertEqual(other.reply(1).status, 200)

    def test_drops_the_link_when_the_front_breaks_the_protocol(self):
        served = self.serve()
        served.front.send(frame(1, 99))
        self.assert_link_ends()
        served.call(lambda: None)
        self.assertIn("ERR_WIRE_TYPE", served.records.text)

    def test_ignores_frames_for_streams_that_have_ended(self):
        served = self.serve()
        served.front.send(
            frame(7, wire.BODY, 0, b"x"), cancel(8), close(9, 1000), struct.pack("<IIBBHI", 4, 7, 9, 0, 0, 5)
        )
        served.front.send(request(1, path="/quick"))
        self.assertEqual(served.front.reply(1).status, 200)

    def test_survives_a_front_that_closes_while_it_is_written_to(self):
        served = self.serve()
        served.front.send(request(1))
        served.await_facts(1)
        served.front.sock.shutdown(socket.SHUT_RDWR)
        served.front.sock.close()
        self.gate.open()
        front = served.attach(self)
        front.send(request(1, path="/quick"))
        self.assertEqual(front.reply(1).status, 200)


class WatchTest(AioTest):
    """The control thread's part is played by the test, with its own clock."""

    def test_reports_a_blocked_loop_once_with_its_stack_and_its_end(self):
        served = self.serve()
        now = [100.0]
        lines = served.records.messages
        watch = LoopWatch(1.0, served.pool.call, lambda: "the stack", lambda: now[0], served.log)
        served.front.send(request(1, path="/block"))
        served.await_facts(1)
        watch.wake()
        for moment in (100.5, 101.0, 102.0, 103.5):
            now[0] = moment
            watch.look()
        self.assertEqual(lines, ["The event loop has been blocked for 1.0 s, by:\nthe stack"])
        self.assertEqual(watch.blocked_seconds(), 3.5)
        self.gate.open()
        served.front.reply(1)
        served.call(lambda: None)
        self.assertEqual(lines[1:], ["The event loop runs again after 3.5 s"])
        self.assertEqual(watch.blocked_seconds(), 0.0)

    def test_reports_a_request_that_blocks_after_the_probe_it_woke_was_answered(self):
        served = self.serve()
        now = [100.0]
        lines = served.records.messages
        watch = LoopWatch(1.0, served.pool.call, lambda: "the stack", lambda: now[0], served.log)
        watch.wake()
        served.call(lambda: None)
        served.front.send(request(1, path="/block"))
        served.await_facts(1)
        for moment in (101.0, 102.0):
            now[0] = moment
            watch.look()
        self.assertEqual(lines, ["The event loop has been blocked for 1.0 s, by:\nthe stack"])
        self.gate.open()
        served.front.reply(1)

    def test_sleeps_while_nothing_happens(self):
        served = self.serve()
        now = [100.0]
        watch = LoopWatch(1.0, served.pool.call, lambda: "", lambda: now[0], served.log)
        self.assertIsNone(watch.wait_seconds())
        watch.wake()
        served.call(lambda: None)
        self.assertEqual(watch.wait_seconds(), 1.0)
        watch.activity += 1
        now[0] = 101.0
        watch.look()
        served.call(lambda: None)
        self.assertTrue(watch.is_awake)
        now[0] = 102.0
        watch.look()
        served.call(lambda: None)
        self.assertTrue(watch.is_awake, "what came last may have begun to run after the answer")
        now[0] = 103.0
        watch.look()
        self.assertFalse(watch.is_awake)
        self.assertIsNone(watch.wait_seconds())
        self.assertEqual(served.records.messages, [])

    def test_says_how_long_the_loop_has_not_answered(self):
        served = self.serve()
        self.assertEqual(served.pool.since_progress_ms(), 0)
        served.front.send(request(1, path="/block"))
        served.await_facts(1)
        served.pool.watch.is_awake = False
        served.pool.since_progress_ms()
        while served.pool.since_progress_ms() < 2:
            pass
        self.gate.open()
        served.front.reply(1)
        served.call(lambda: None)
        self.assertEqual(served.pool.since_progress_ms(), 0)

    def test_shows_the_stacks_of_threads_and_of_tasks_once_for_each_place(self):
        served = self.serve()
        served.front.send(*[request(number) for number in range(1, 51)])
        served.await_facts(50)
        stacks = served.pool.stacks()
        self.assertIn("50 × task", stacks)
        self.assertIn("await self.opened.wait()", stacks)
        self.assertIn("Thread ", stacks)
        self.gate.open()


if __name__ == "__main__":
    unittest.main()
