"""A link's session under threads: batches, taking back, draining, stopping, and the link's end. Events, no
sleeps.
"""

from __future__ import annotations

import struct
import threading
import unittest

from support import TIMEOUT, Served, frame, request
from tunicorn_worker import wire


class Gate:
    """An app that says when it started a request and waits until it may go on."""

    def __init__(self):
        self.started = threading.Semaphore(0)
        self.names = []
        self.go = threading.Semaphore(0)

    def __call__(self, environ, start_response):
        name = environ["RAW_URI"]
        if name != "/quick":
            self.names.append(name)
            self.started.release()
            assert self.go.acquire(timeout=TIMEOUT)
        start_response("200 OK", [])
        return [name.encode()]

    def await_start(self, count=1):
        for _ in range(count):
            assert self.started.acquire(timeout=TIMEOUT)

    def open(self, count=1):
        for _ in range(count):
            self.go.release()


class BatchTest(unittest.TestCase):
    def test_answers_many_requests_sent_ahead_in_order(self):
        served = Served(self, lambda environ, start: (start("200 OK", []), [environ["RAW_URI"].encode()])[1])
        served.front.send(*[request(number, RAW_URI=f"/{number}") for number in range(1, 101)])
        served.front.reply(100)
        self.assertEqual([item[0] for item in served.front.frames], list(range(1, 101)))
        self.assertEqual(served.front.replies[57].body, b"/57")

    def test_never_holds_back_the_answer_to_a_request_that_cannot_be_repeated(self):
        gate = Gate()
        served = Served(self, gate)
        post = request(1, b"body", REQUEST_METHOD="POST", RAW_URI="/quick")
        served.front.send(post + request(2, RAW_URI="/slow"))
        gate.await_start()
        self.assertEqual(served.front.reply(1).status, 200)  # while the next one is stuck
        gate.open()
        self.assertEqual(served.front.reply(2).status, 200)

    def test_reads_requests_byte_by_byte(self):
        served = Served(self, lambda environ, start: (start("200 OK", []), [environ["wsgi.input"].read()])[1])
        for byte in request(1, b"body"):
            served.front.sock.sendall(bytes([byte]))
        self.assertEqual(served.front.reply(1).body, b"body")

    def test_runs_a_request_whose_body_is_complete_before_one_that_came_first(self):
        gate = Gate()
        served = Served(self, gate)
        first = request(1, b"body", RAW_URI="/quick")
        served.front.send(first[:-14], request(2, RAW_URI="/quick")[:0])
        served.front.send(first[-14:], request(2, RAW_URI="/quick"))
        self.assertEqual((served.front.reply(1).status, served.front.reply(2).status), (200, 200))

    def test_runs_as_many_requests_at_once_as_it_has_threads(self):
        gate = Gate()
        served = Served(self, gate, threads=3)
        served.front.send(request(1, RAW_URI="/1"), request(2, RAW_URI="/2"))
        gate.await_start(2)
        served.front.send(request(3, RAW_URI="/3"), request(4, RAW_URI="/4"))
        gate.await_start()
        self.assertEqual((sorted(gate.names), served.pool.busy), (["/1", "/2", "/3"], 3))
        gate.open(4)
        self.assertEqual(
            [served.front.reply(number).body for number in (1, 2, 3, 4)], [b"/1", b"/2", b"/3", b"/4"]
        )

    def test_gives_credit_to_a_thread_while_others_read(self):
        def app(environ, start_response):
            start_response("200 OK", [])
            return [b"x" * 300_000 if environ["RAW_URI"] == "/large" else b"small"]

        served = Served(self, app, threads=2)
        served.front.send(request(1, RAW_URI="/large"))
        served.front.until(
            lambda: 1 in served.front.replies and len(served.front.replies[1].body) == wire.CREDIT_INITIAL
        )
        served.front.send(request(2), request(3))
        self.assertEqual((served.front.reply(2).body, served.front.reply(3).body), (b"small", b"small"))
        served.front.send(frame(1, wire.CREDIT, 0, struct.pack("<I", 1_000_000)))
        self.assertEqual(len(served.front.reply(1).body), 300_000)


class TakeBackTest(unittest.TestCase):
    def test_gives_back_what_was_not_started_and_sends_what_is_finished(self):
        gate = Gate()
        served = Served(self, gate)
        ahead = [request(1, RAW_URI="/quick"), request(2, RAW_URI="/slow")]
        served.front.send(*ahead, *[request(number, RAW_URI="/later") for number in (3, 4)])
        gate.await_start()
        served.front.send(request(5, RAW_URI="/later"), request(6, b"unfinished")[:-20])
        self.assertEqual(sorted(served.session.take_back()), [3, 4, 5, 6])
        self.assertEqual(served.front.reply(1).body, b"/quick")
        gate.open()
        self.assertEqual(served.front.reply(2).body, b"/slow")
        self.assertEqual((gate.names, served.session.take_back()), (["/slow"], []))

    def test_drops_the_rest_of_a_body_that_was_given_back(self):
        gate = Gate()
        served = Served(self, gate)
        late = request(2, b"0123456789")
        served.front.send(request(1, RAW_URI="/slow"))
        gate.await_start()
        served.front.send(late[:-20])
        self.assertEqual(served.session.take_back(), [2])
        served.front.send(late[-20:], request(3, RAW_URI="/quick"))
        gate.open()
        self.assertEqual(served.front.reply(3).body, b"/quick")
        self.assertNotIn(2, served.front.replies)


class LeaveTest(unittest.TestCase):
    def test_ends_a_waiting_request_at_once_when_its_client_left(self):
        gate = Gate()
        served = Served(self, gate)
        served.front.send(request(1, RAW_URI="/slow"), request(2, RAW_URI="/later"))
        gate.await_start()
        served.session.leave(2)
        self.assertEqual(served.front.reply(2).abort, "cancelled")
        gate.open()
        self.assertEqual(served.front.reply(1).body, b"/slow")
        self.assertEqual(gate.names, ["/slow"])


class EndTest(unittest.TestCase):
    def assert_link_ends(self, served):
        while served.front.read():
            pass
        self.assertTrue(served.ended.wait(TIMEOUT))

    def test_answers_all_and_closes_the_link_after_drain(self):
        for threads in (1, 3):
            gate = Gate()
            served = Served(self, gate, threads=threads)
            served.front.send(request(1, RAW_URI="/1"), request(2, RAW_URI="/2"), frame(0, wire.DRAIN))
            gate.open(2)
            self.assertEqual((served.front.reply(1).body, served.front.reply(2).body), (b"/1", b"/2"))
            self.assert_link_ends(served)

    def test_serves_the_next_front_after_the_link_was_lost(self):
        for threads in (1, 3):
            gate = Gate()
            served = Served(self, gate, threads=threads)
            served.front.send(request(1, RAW_URI="/lost"), request(2, RAW_URI="/lost too"))
            gate.await_start(min(2, threads))
            served.front.sock.close()
            front = served.attach(self)
            front.send(request(1, RAW_URI="/quick"))
            gate.open(2)
            self.assertEqual(front.reply(1).body, b"/quick")

    def test_drops_the_link_when_the_front_breaks_the_protocol(self):
        served = Served(self, Gate())
        served.front.send(frame(1, 99))
        self.assert_link_ends(served)
        self.assertEqual(served.session.error, "ERR_WIRE_TYPE")

    def test_answers_what_it_received_when_it_is_stopped_gracefully(self):
        for threads in (1, 3):
            gate = Gate()
            served = Served(self, gate, threads=threads)
            served.front.send(request(1, RAW_URI="/1"))
            gate.await_start()
            served.front.send(request(2, RAW_URI="/quick"))
            served.pool.stop(quick=False)
            gate.open()
            self.assertEqual((served.front.reply(1).body, served.front.reply(2).body), (b"/1", b"/quick"))
            self.assert_link_ends(served)
            served.thread.join(TIMEOUT)
            self.assertFalse(served.thread.is_alive())

    def test_stops_at_once_when_idle(self):
        for threads in (1, 3):
            for quick in (False, True):
                served = Served(self, Gate(), threads=threads)
                served.front.send(request(1, RAW_URI="/quick"))
                served.front.reply(1)
                served.pool.stop(quick)
                served.thread.join(TIMEOUT)
                self.assertFalse(served.thread.is_alive())

    def test_counts_requests_and_progress(self):
        gate = Gate()
        served = Served(self, gate)
        self.assertEqual((served.pool.busy, served.pool.since_progress_ms()), (0, 0))
        served.front.send(request(1, RAW_URI="/quick"), request(2, RAW_URI="/slow"))
        gate.await_start()
        self.assertEqual((served.pool.busy, served.pool.requests), (1, 1))
        gate.open()
        served.front.reply(2)


if __name__ == "__main__":
    unittest.main()
