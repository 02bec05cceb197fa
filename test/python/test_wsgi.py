"""PEP 3333 through a worker's threads and a fake front: what the app does, what the client gets, what the
log says.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
import unittest
from wsgiref.validate import validator

from support import BASE_ENVIRON, Served, frame, request
from tunicorn_worker import wire

OK = "200 OK"
PLAIN = [("Content-Type", "text/plain")]


def answering(body, status=OK, headers=PLAIN):
    def app(environ, start_response):
        start_response(status, list(headers))
        return body

    return app


class Body:
    """An iterable that tells when it was closed."""

    def __init__(self, chunks, fail_at_end=None):
        self.chunks = chunks
        self.fail_at_end = fail_at_end
        self.closed = threading.Event()

    def __iter__(self):
        yield from self.chunks
        if self.fail_at_end:
            raise self.fail_at_end

    def close(self):
        self.closed.set()


class AnswerTest(unittest.TestCase):
    def test_says_which_responses_are_not_to_be_held_back(self):
        for headers, is_unbuffered in (
            ([("Content-Type", "text/event-stream")], True),
            ([*PLAIN, ("X-Accel-Buffering", "no")], True),
            ([*PLAIN, ("X-Accel-Buffering", "yes")], False),
            (PLAIN, False),
        ):
            served = Served(self, answering([b"a"], headers=headers))
            self.assertEqual(served.ask().headers[: len(headers)], headers)
            (_, _, _, payload) = served.front.frames[0]
            self.assertEqual(bool(payload[2] & wire.NO_BUFFER), is_unbuffered, headers)

    def test_gives_a_one_item_list_its_length(self):
        reply = Served(self, answering([b"hello"])).ask()
        self.assertEqual((reply.status, reply.reason, reply.body, reply.length), (200, "", b"hello", 5))
        self.assertEqual(reply.headers, [("Content-Type", "text/plain"), ("Content-Length", "5")])

    def test_joins_lists_and_tuples_into_one_frame(self):
        served = Served(self, answering((b"a", b"", b"b")))
        reply = served.ask()
        self.assertEqual((reply.body, reply.length, len(served.front.frames)), (b"ab", 2, 1))

    def test_answers_an_empty_list(self):
        reply = Served(self, answering([])).ask()
        self.assertEqual((reply.status, reply.body, reply.length), (200, b"", 0))

    def test_streams_each_chunk_of_a_generator_as_it_comes(self):
        go = threading.Event()

        def app(environ, start_response):
            start_response(OK, PLAIN)
            yield b"first"
            assert go.wait(10)
            yield b""
            yield b"second"

        served = Served(self, app)
        served.front.send(request(1))
        served.front.until(lambda: 1 in served.front.replies)
        self.assertEqual(served.front.replies[1].body, b"first")
        self.assertEqual(served.front.replies[1].length, -1)
        go.set()
        self.assertEqual(served.front.reply(1).pieces, [b"first", b"second"])

    def test_ends_a_response_with_its_promised_last_byte_before_close_is_called(self):
        body = Body([b"hello"])
        release = threading.Event()
        body.close = lambda: (release.wait(10), body.closed.set())
        served = Served(self, answering(body, headers=[("Content-Length", "5")]))
        reply = served.ask()
        self.assertEqual((reply.body, len(served.front.frames), body.closed.is_set()), (b"hello", 1, False))
        release.set()
        self.assertTrue(body.closed.wait(10))

    def test_sends_what_write_is_given_before_the_iterable(self):
        def app(environ, start_response):
            write = start_response(OK, PLAIN)
            write(b"written ")
            write(b"twice ")
            return [b"returned"]

        self.assertEqual(Served(self, app).ask().body, b"written twice returned")

    def test_keeps_the_reason_when_it_is_not_the_standard_one(self):
        self.assertEqual(Served(self, answering([b""], "404 Nicht da")).ask().reason, "Nicht da")
        self.assertEqual(Served(self, answering([b""], "200")).ask().reason, "")

    def test_drops_bodies_of_head_204_and_304(self):
        for status, method, length in (
            (OK, "HEAD", 5),
            ("204 No Content", "GET", -1),
            ("304 Not Modified", "GET", -1),
        ):
            for body in ([b"hello"], Body([b"hel", b"lo"])):
                with self.subTest(status=status, method=method, body=type(body)):
                    reply = Served(self, answering(body, status)).ask(REQUEST_METHOD=method)
                    self.assertEqual((reply.status, reply.body), (int(status[:3]), b""))
                    self.assertEqual(reply.length, length if isinstance(body, list) else -1)

    def test_drops_what_belongs_to_the_connection(self):
        names = [
            "Connection",
            "Keep-Alive",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
            "Server",
            "Date",
        ]
        reply = Served(self, answering([b"x"], headers=[(name, "x") for name in names])).ask()
        self.assertEqual(reply.headers, [("Content-Length", "1")])

    def test_keeps_repeated_headers_in_order_and_latin_1(self):
        headers = [("Set-Cookie", "a=1"), ("X-L", "caf\xe9"), ("Set-Cookie", "b=2"), ("X-Tab", " a\tb ")]
        reply = Served(self, answering([b"x"], headers=headers)).ask()
        self.assertEqual(reply.headers[:-1], [*headers[:3], ("X-Tab", "a\tb")])

    def test_normalises_content_length_to_one(self):
        headers = [("Content-Length", "1"), ("content-length", " 1 ")]
        reply = Served(self, answering([b"x"], headers=headers)).ask()
        self.assertEqual((reply.headers, reply.length), ([("Content-Length", "1")], 1))

    def test_truncates_a_body_longer_than_content_length_with_one_log_line(self):
        for body in ([b"hello!"], Body([b"hel", b"lo!", b"!!"])):
            served = Served(self, answering(body, headers=[("Content-Length", "5")]))
            reply = served.ask()
            served.stop()
            self.assertEqual((reply.body, reply.abort), (b"hello", None))
            self.assertEqual(len(served.records.messages), 1)
            self.assertIn("longer than its Content-Length", served.records.text)

    def test_breaks_off_a_body_shorter_than_content_length(self):
        for body in ([b"hell"], Body([b"hell"])):
            served = Served(self, answering(body, headers=[("Content-Length", "5")]))
            reply = served.ask()
            self.assertIn("1 bytes shorter", reply.abort)
            self.assertIn("1 bytes shorter", served.records.text)

    def test_splits_large_chunks_and_obeys_credit(self):
        data = os.urandom(400_000)
        for body in ([data], Body([data[:300_000], data[300_000:]])):
            self.assert_credit_is_obeyed(body, data)

    def assert_credit_is_obeyed(self, body, data):
        served = Served(self, answering(body, headers=[("Content-Length", "400000")]))
        front = served.front
        front.send(request(1))
        front.until(lambda: 1 in front.replies)
        front.until(lambda: len(front.replies[1].body) == wire.CREDIT_INITIAL)
        front.send(frame(1, wire.CREDIT, 0, b"\x10\x00\x00\x00"))
        front.until(lambda: len(front.replies[1].body) == wire.CREDIT_INITIAL + 16)
        front.send(frame(1, wire.CREDIT, 0, b"\xff\xff\xff\x00"))
        self.assertEqual(front.reply(1).body, data)
        self.assertLessEqual(max(map(len, front.replies[1].pieces)), wire.BODY_BYTES_MAX)

    def test_sends_early_hints(self):
        def app(environ, start_response):
            environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload")])
            start_response(OK, PLAIN)
            return [b"x"]

        self.assertEqual(Served(self, app).ask().informs, [(103, b"Link: </a.css>; rel=preload\r\n\r\n")])

    def test_replaces_the_head_when_exc_info_comes_before_the_first_byte(self):
        def app(environ, start_response):
            start_response(OK, [("Content-Length", "99")])
            try:
                raise ValueError("late")
            except ValueError:
                import sys

                start_response("503 Service Unavailable", PLAIN, sys.exc_info())
            return [b"sorry"]

        reply = Served(self, app).ask()
        self.assertEqual((reply.status, reply.body), (503, b"sorry"))

    def test_raises_exc_info_again_when_bytes_have_left(self):
        def app(environ, start_response):
            start_response(OK, PLAIN)(b"begun")
            try:
                raise ValueError("too late")
            except ValueError:
                import sys

                start_response("500 X", PLAIN, sys.exc_info())
            return []

        served = Served(self, app)
        reply = served.ask()
        self.assertEqual((reply.status, reply.abort), (200, "ValueError: too late"))
        self.assertIn("too late", served.records.text)


class EnvironTest(unittest.TestCase):
    def ask(self, body=None, **settings):
        seen = {}

        def app(environ, start_response):
            seen.update(environ)
            start_response(OK, PLAIN)
            return [environ["wsgi.input"].read()]

        served = Served(self, app, **settings)
        return seen, served.ask(body), served

    def test_has_the_request_and_the_workers_share(self):
        environ, _, served = self.ask(server_software="tunicorn/9", multiprocess=True)
        self.assertEqual({key: environ[key] for key in BASE_ENVIRON}, BASE_ENVIRON)
        self.assertEqual(environ["SERVER_SOFTWARE"], "tunicorn/9")
        self.assertEqual((environ["wsgi.version"], environ["wsgi.run_once"]), ((1, 0), False))
        self.assertEqual((environ["wsgi.multithread"], environ["wsgi.multiprocess"]), (False, True))
        self.assertIs(environ["wsgi.input_terminated"], True)
        self.assertIs(environ["wsgi.errors"], served.errors)

    def test_says_multithread_for_several_threads(self):
        self.assertIs(self.ask(threads=2)[0]["wsgi.multithread"], True)

    def test_gives_the_body_that_came_in_frames(self):
        self.assertEqual(self.ask(b"line one\nline two")[1].body, b"line one\nline two")

    def test_gives_the_body_that_lies_in_a_file(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"one\ntwo\n")
            file.flush()

            def app(environ, start_response):
                start_response(OK, PLAIN)
                body = environ["wsgi.input"]
                return [body.readline(), repr(body.readlines()).encode(), repr(body.read(1)).encode()]

            served = Served(self, app)
            head = request(1, b"", CONTENT_LENGTH="8")
            path = frame(1, wire.BODY_FILE, wire.END, file.name.encode())
            served.front.send(head[: -2 * 12], path)
            self.assertEqual(served.front.reply(1).body, b"one\n[b'two\\n']b''")

    def test_answers_500_when_the_body_file_is_gone(self):
        served = Served(self, answering([b"x"]))
        served.front.send(
            request(1, b"")[: -2 * 12], frame(1, wire.BODY_FILE, wire.END, b"/nonexistent/body")
        )
        self.assertEqual(served.front.reply(1).status, 500)
        self.assertIn("/nonexistent/body", served.records.text)

    def test_satisfies_wsgirefs_validator(self):
        def generator(environ, start_response):
            start_response(OK, PLAIN)
            environ["wsgi.errors"].write("noted\n")
            yield from environ["wsgi.input"]

        def writing(environ, start_response):
            start_response(OK, PLAIN)(environ["wsgi.input"].read(3))
            return [environ["wsgi.input"].readline(), b"".join(environ["wsgi.input"].readlines())]

        for app in (answering([b"abc\nd"]), generator, writing):
            for body in (None, b"abc\nd"):
                served = Served(self, validator(app))
                reply = served.ask(body, REQUEST_METHOD="POST" if body else "GET", QUERY_STRING="")
                self.assertEqual((reply.status, reply.abort, served.records.messages), (200, None, []))


def raising(error):
    def app(environ, start_response):
        raise error

    return app


def starting(*arguments):
    def app(environ, start_response):
        start_response(*arguments)
        return [b"x"]

    return app


def starting_twice(environ, start_response):
    start_response(OK, PLAIN)
    start_response(OK, PLAIN)
    return [b"x"]


async def asynchronous(environ, start_response):
    return [b"x"]


FAULTS = [
    ("raises", raising(ValueError("boom")), "ValueError: boom"),
    ("raises while iterating", answering(Body([], KeyError("deep"))), "KeyError: 'deep'"),
    ("returns None", answering(None), "returned None, not an iterable"),
    ("returns str", answering("text"), "returned str 'text', not an iterable of bytes"),
    ("returns bytes", answering(b"text"), "returned bytes b'text', not an iterable of bytes"),
    ("returns a dict", answering({}), "returned dict {}"),
    ("returns a number", answering(7), "returned int 7"),
    ("is a coroutine", asynchronous, "an ASGI application?"),
    ("gives str in a list", answering(["text"]), "the body must be bytes, not str"),
    ("gives str in an iterable", answering(Body(["text"])), "gave str, not bytes"),
    ("gives ints in an iterable", answering(Body([1])), "gave int, not bytes"),
    ("never starts, list", lambda environ, start_response: [b"x"], "start_response was not called"),
    ("never starts, generator", lambda environ, start_response: iter([]), "start_response was not called"),
    ("starts twice", starting_twice, "called twice without exc_info"),
    ("status is bytes", starting(b"200 OK", PLAIN), "status must be str, not bytes"),
    ("status is a number", starting(200, PLAIN), "status must be str, not int"),
    ("status has no digits", starting("OK", PLAIN), "three digits and a reason"),
    ("status has CRLF", starting("200 OK\r\nX: y", PLAIN), "three digits and a reason"),
    ("status is 101", starting("101 Switching Protocols", PLAIN), "cannot end a request"),
    ("status is not latin-1", starting("200 \u20ac", PLAIN), "not latin-1"),
    ("header with CRLF", starting(OK, [("X", "a\r\nSet-Cookie: p=1")]), "control character in header X"),
    ("header with LF", starting(OK, [("X", "a\nb")]), "control character"),
    ("header with NUL", starting(OK, [("X", "a\0b")]), "control character"),
    ("header name with CRLF", starting(OK, [("X\r\nY", "a")]), "invalid header name"),
    ("header name with colon", starting(OK, [("X:", "a")]), "invalid header name"),
    ("header name with space", starting(OK, [("X ", "a")]), "invalid header name"),
    ("header name empty", starting(OK, [("", "a")]), "invalid header name"),
    ("header not latin-1", starting(OK, [("X", "\u20ac")]), "not latin-1"),
    ("header value is a number", starting(OK, [("Content-Length", 1)]), "must be str"),
    ("header value is bytes", starting(OK, [("X", b"1")]), "must be str"),
    ("header is a str", starting(OK, ["Xa"]), "must be a (name, value) tuple"),
    ("header is a triple", starting(OK, [("X", "a", "b")]), "must be a (name, value) tuple"),
    ("header is unhashable", starting(OK, [("X", [])]), "tuple of str"),
    ("headers are a dict", starting(OK, {"X": "a"}), "headers must be a list"),
    ("headers are a number", starting(OK, 7), "not iterable"),
    ("length is negative", starting(OK, [("Content-Length", "-1")]), "invalid Content-Length"),
    ("length has a plus", starting(OK, [("Content-Length", "+1")]), "invalid Content-Length"),
    ("length is no ASCII digit", starting(OK, [("Content-Length", "\xb2")]), "invalid Content-Length"),
    ("length beyond 2^53", starting(OK, [("Content-Length", "9007199254740993")]), "invalid Content-Length"),
    (
        "two lengths",
        starting(OK, [("Content-Length", "1"), ("Content-Length", "2")]),
        "two different Content-Length",
    ),
]


class FaultTest(unittest.TestCase):
    def test_answers_500_and_logs_the_cause_for_each_fault_of_the_app(self):
        for name, app, message in FAULTS:
            with self.subTest(name):
                served = Served(self, app)
                reply = served.ask()
                self.assertEqual((reply.status, reply.length, reply.abort), (500, len(reply.body), None))
                self.assertNotIn(b"Traceback", reply.body)
                self.assertEqual(len(served.records.messages), 1)
                self.assertIn("Error handling request GET /path\n", served.records.text)
                self.assertNotIn("secret", served.records.text)
                self.assertIn(message, served.records.text)

    def test_shows_the_apps_frames_and_not_its_own(self):
        served = Served(self, raising(ValueError("boom")))
        served.ask()
        self.assertIn("test_wsgi.py", served.records.text)
        self.assertNotIn("tunicorn_worker", served.records.text)

    def test_serves_on_after_a_fault(self):
        served = Served(
            self,
            lambda environ, start: (
                1 / 0 if environ["RAW_URI"] == "/bad" else answering([b"x"])(environ, start)
            ),
        )
        served.front.send(request(1, RAW_URI="/bad"), request(2))
        self.assertEqual((served.front.reply(1).status, served.front.reply(2).status), (500, 200))

    def test_logs_a_failure_with_its_exception_for_handlers_and_counters(self):
        served = Served(self, lambda environ, start: 1 / 0)
        served.ask()
        (record,) = served.records.all
        self.assertEqual((record.levelname, record.exc_info[0]), ("ERROR", ZeroDivisionError))
        self.assertEqual(record.getMessage(), "Error handling request GET /path")

    def test_aborts_when_the_app_fails_after_bytes_have_left(self):
        body = Body([b"begun"], ValueError("boom"))
        served = Served(self, answering(body))
        reply = served.ask()
        self.assertEqual((reply.body, reply.abort), (b"begun", "ValueError: boom"))
        self.assertTrue(body.closed.is_set())
        self.assertIn("ValueError: boom", served.records.text)

    def test_logs_a_failing_close_after_a_complete_answer(self):
        body = Body([b"x"])
        body.close = lambda: 1 / 0
        served = Served(self, answering(body))
        self.assertEqual(served.ask().body, b"x")
        served.stop()
        self.assertIn("ZeroDivisionError", served.records.text)

    def test_answers_500_and_retires_when_the_app_exits(self):
        for error in (SystemExit(3), KeyboardInterrupt()):
            served = Served(self, raising(error))
            self.assertEqual(served.ask().status, 500)
            served.stop()
            self.assertEqual(served.retired, [f"the application raised {type(error).__name__}"])

    def test_leaves_no_cycle_for_the_garbage_collector(self):
        import gc
        import weakref

        class Marker:
            pass

        markers = []

        def app(environ, start_response):
            environ["marker"] = marker = Marker()
            markers.append(weakref.ref(marker))
            start_response(OK, PLAIN)
            return [b"x"]

        gc.disable()
        self.addCleanup(gc.enable)
        served = Served(self, app)
        served.ask()
        served.stop()
        if hasattr(gc, "freeze"):  # CPython: counted references
            self.assertIsNone(markers[0]())


class DisconnectTest(unittest.TestCase):
    def test_stops_a_stream_and_closes_it_when_the_client_left(self):
        body = Body(iter(lambda: b"x" * 65_536, None))
        served = Served(self, answering(body))
        served.front.send(request(1), frame(1, wire.CREDIT, 0, b"\x00\x00\x10\x00"))
        served.front.until(lambda: 1 in served.front.replies)
        served.front.send(frame(1, wire.CANCEL, 0, b"\x01"))
        self.assertEqual(served.front.reply(1).abort, "cancelled")
        self.assertTrue(body.closed.wait(10))
        self.assertEqual(served.records.messages, [])

    def test_wakes_a_stream_that_waits_for_credit(self):
        served = Served(self, answering([b"x" * 300_000]))
        served.front.send(request(1))
        served.front.until(
            lambda: 1 in served.front.replies and len(served.front.replies[1].body) == wire.CREDIT_INITIAL
        )
        served.front.send(frame(1, wire.CANCEL, 0, b"\x01"))
        self.assertEqual(served.front.reply(1).abort, "cancelled")

    def test_raises_from_write_and_tells_by_the_environs_callables(self):
        told = []
        begun, left = threading.Event(), threading.Event()

        def app(environ, start_response):
            write = start_response(OK, PLAIN)
            told.append(environ["tunicorn.client_disconnected"]())
            begun.set()
            assert left.wait(10)
            told.append(environ["waitress.client_disconnected"]())
            write(b"x")
            raise AssertionError("write said nothing")

        served = Served(self, app)
        served.front.send(request(1))
        self.assertTrue(begun.wait(10))
        served.session.leave(1)
        left.set()
        self.assertEqual(served.front.reply(1).abort, "cancelled")
        self.assertEqual((told, served.records.messages), ([False, True], []))

    def test_asks_for_another_time_limit_while_the_app_runs(self):
        go = threading.Event()
        self.addCleanup(go.set)

        def app(environ, start_response):
            environ["tunicorn.set_timeout"](2.5)
            environ["tunicorn.set_timeout"](None)
            for wrong in (-1, float("nan"), float("inf"), "5", True):
                with self.assertRaises((TypeError, ValueError)):
                    environ["tunicorn.set_timeout"](wrong)
            assert go.wait(10)
            start_response(OK, PLAIN)
            return [b"late"]

        served = Served(self, app)
        served.front.send(request(1))
        served.front.until(lambda: len(served.front.frames) == 2)
        limits = [(found[0], found[1], found[3]) for found in served.front.frames]
        self.assertEqual(limits, [(1, wire.DEADLINE, b"\xc4\x09\0\0"), (1, wire.DEADLINE, b"\0\0\0\0")])
        go.set()
        self.assertEqual(served.front.reply(1).body, b"late")

    def test_tells_a_stream_that_the_worker_is_to_go_and_lets_it_end(self):
        def app(environ, start_response):
            start_response(OK, PLAIN)
            yield b"first"
            assert noticed.wait(10)
            deadline = time.monotonic() + 10
            while not environ["tunicorn.client_disconnected"]():
                assert time.monotonic() < deadline
            yield b"last"

        noticed = threading.Event()
        served = Served(self, app)
        served.front.send(request(1))
        served.front.until(lambda: 1 in served.front.replies)
        served.front.send(frame(1, wire.NOTICE))
        noticed.set()
        reply = served.front.reply(1)
        self.assertEqual((reply.body, reply.abort), (b"firstlast", None))

    def test_does_not_start_a_cancelled_request(self):
        started = []
        go = threading.Event()

        def app(environ, start_response):
            started.append(environ["RAW_URI"])
            assert go.wait(10)
            start_response(OK, PLAIN)
            return [b"x"]

        served = Served(self, app)
        served.front.send(
            request(1, RAW_URI="/1"), request(2, RAW_URI="/2"), frame(2, wire.CANCEL, 0, b"\x01")
        )
        go.set()
        served.front.reply(1)
        self.assertEqual(served.front.reply(2).abort, "cancelled")
        self.assertEqual(started, ["/1"])


class FileTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "däta.bin")
        self.data = os.urandom(50_000)
        with open(self.path, "wb") as file:
            file.write(self.data)
        self.opened = []

    def app(self, environ, start_response):
        file = open(self.path, "rb")  # noqa: SIM115  the wrapper closes it
        file.read(100)
        self.opened.append(file)
        start_response(OK, PLAIN)
        return environ["wsgi.file_wrapper"](file, 4096)

    def test_hands_a_regular_file_to_the_front(self):
        served = Served(self, self.app)
        served.front.send(request(1))
        served.front.until(lambda: 1 in served.front.replies)
        status = os.stat(self.path)
        reply = served.front.replies[1]
        self.assertEqual(reply.file, (100, 49_900, status.st_dev, status.st_ino, self.path))
        self.assertEqual((reply.length, reply.is_ended), (49_900, False))
        served.front.send(frame(1, wire.FILE_REPLY, 0, b"\x01"), request(2, RAW_URI="/2"))
        served.front.until(lambda: 2 in served.front.replies)
        self.assertTrue(self.opened[0].closed)

    def test_streams_it_when_the_front_cannot(self):
        served = Served(self, self.app)
        served.front.send(request(1))
        served.front.until(lambda: 1 in served.front.replies)
        served.front.replies.clear()
        served.front.send(frame(1, wire.FILE_REPLY, 0, b"\x00"))
        self.assertEqual(served.front.reply(1).body, self.data[100:])
        served.stop()
        self.assertTrue(self.opened[0].closed)

    def test_streams_it_when_told_so_by_the_settings(self):
        self.assertEqual(Served(self, self.app, file_wrapper_direct=False).ask().body, self.data[100:])

    def test_streams_a_file_whose_name_is_another_file_now(self):
        def app(environ, start_response):
            result = self.app(environ, start_response)
            os.unlink(self.path)
            with open(self.path, "wb") as file:
                file.write(b"other")
            return result

        self.assertEqual(Served(self, app).ask().body, self.data[100:])

    def test_streams_what_is_no_file(self):
        import io

        def app(environ, start_response):
            start_response(OK, PLAIN)
            return environ["wsgi.file_wrapper"](io.BytesIO(b"abc"), 2)

        self.assertEqual(Served(self, app).ask().pieces, [b"ab", b"c"])

    def test_sends_a_small_file_in_one_frame(self):
        with open(self.path, "wb") as file:
            file.write(b"x" * 300)
        served = Served(self, self.app)
        reply = served.ask()
        self.assertEqual((reply.body, reply.length, len(served.front.frames)), (b"x" * 200, 200, 1))

    def test_sends_no_body_for_head(self):
        reply = Served(self, self.app).ask(REQUEST_METHOD="HEAD")
        self.assertEqual((reply.status, reply.body, reply.file), (200, b"", None))


if __name__ == "__main__":
    unittest.main()
