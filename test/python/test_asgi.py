"""HTTP of ASGI apps through a fake front: receive, send, extensions, and apps that do wrong."""

from __future__ import annotations

import asyncio
import contextvars
import os
import tempfile
import unittest
from http import HTTPStatus

from support import frame
from support_asgi import START, ServedAsgi, body, cancel, credit, request, websocket
from tunicorn_worker import asgi, async_link, wire


def answering(*messages):
    """An app that sends these."""

    async def app(scope, receive, send):
        for message in messages:
            await send(message)

    return app


class AsgiTest(unittest.TestCase):
    def answer(self, *messages, **changes):
        self.served = ServedAsgi(self, answering(*messages))
        return self.served.ask(**changes)

    def assert_fails(self, reply, *words):
        """500, and the log says why."""
        self.assertEqual((reply.status, reply.abort), (500, None))
        for word in words:
            self.assertIn(word, self.served.records.text)

    def assert_breaks(self, reply, *words):
        """Something was sent: the connection must break."""
        self.assertEqual((reply.status, reply.abort is None), (200, False))
        for word in words:
            self.assertIn(word, self.served.records.text)


class SendTest(AsgiTest):
    def test_sends_a_whole_response_as_one_frame_with_a_length(self):
        reply = self.answer(dict(START, headers=[(b"x-a", b"1")]), body(b"hello"))
        self.assertEqual((reply.status, reply.body, reply.length), (200, b"hello", 5))
        self.assertEqual(reply.headers, [("content-length", "5"), ("x-a", "1")])
        self.assertEqual([found[1] for found in self.served.front.frames], [wire.RESPONSE])

    def test_streams_parts_as_they_come(self):
        reply = self.answer(START, body(b"a", True), body(b"b", True), body(b"c"))
        self.assertEqual((reply.pieces, reply.length), ([b"a", b"b", b"c"], -1))

    def test_ends_a_stream_with_an_empty_part(self):
        reply = self.answer(START, body(b"a", True), body())
        self.assertEqual((reply.body, reply.abort), (b"a", None))

    def test_takes_any_bytes_any_status_type_and_any_iterable_of_headers(self):
        for data in (bytearray(b"data"), memoryview(b"data"), memoryview(b"dxaxtxax")[::2]):
            start = dict(
                START, status=HTTPStatus.CREATED, headers=(pair for pair in [[b"x-a", bytearray(b"1")]])
            )
            reply = self.answer(start, body(data))
            self.assertEqual((reply.status, reply.body), (201, b"data"))
            self.assertIn(("x-a", "1"), reply.headers)

    def test_keeps_the_order_and_the_repeats_of_headers(self):
        pairs = [
            (b"Set-Cookie", b"a=1"),
            (b"x", b" padded\t"),
            (b"Set-Cookie", b"b=2"),
            (b"content-length", b"0"),
        ]
        reply = self.answer(dict(START, headers=pairs), body())
        wanted = [("Set-Cookie", "a=1"), ("x", "padded"), ("Set-Cookie", "b=2"), ("content-length", "0")]
        self.assertEqual(reply.headers, wanted)

    def test_drops_what_belongs_to_the_connection(self):
        pairs = [(b"Transfer-Encoding", b"chunked"), (b"connection", b"close"), (b"x", b"y")]
        reply = self.answer(dict(START, headers=pairs), body(b"z"))
        self.assertEqual(reply.headers, [("content-length", "1"), ("x", "y")])
        flags = self.served.front.frames[0][3][2]
        self.assertTrue(flags & wire.CLOSE)

    def test_sends_no_body_where_there_is_none(self):
        for changes, status in (({"method": "HEAD"}, 200), ({}, 204), ({}, 304)):
            for messages in ([body(b"dropped")], [body(b"dr", True), body(b"opped")]):
                with self.subTest(status=status, parts=len(messages)):
                    reply = self.answer(dict(START, status=status), *messages, **changes)
                    self.assertEqual((reply.status, reply.body, reply.abort), (status, b"", None))
        reply = self.answer(dict(START, headers=[(b"content-length", b"99")]), body(), method="HEAD")
        self.assertEqual((reply.length, reply.body), (99, b""))

    def test_sends_large_bodies_within_credit(self):
        data = os.urandom(400_000)
        served = ServedAsgi(self, answering(START, body(data)))
        served.front.send(request(1))
        served.front.until(
            lambda: 1 in served.front.replies and len(served.front.replies[1].body) == wire.CREDIT_INITIAL
        )
        served.front.send(credit(1, 100_000))
        served.front.until(lambda: len(served.front.replies[1].body) == wire.CREDIT_INITIAL + 100_000)
        served.front.send(credit(1, 1_000_000))
        self.assertEqual(served.front.reply(1).body, data)
        self.assertTrue(all(len(piece) <= wire.BODY_BYTES_MAX for piece in served.front.replies[1].pieces))

    def test_counts_small_parts_against_credit_too(self):
        part = b"x" * 60_000
        served = ServedAsgi(self, answering(START, *[body(part, True)] * 9, body()))
        served.front.send(request(1))
        served.front.until(
            lambda: 1 in served.front.replies and len(served.front.replies[1].body) == wire.CREDIT_INITIAL
        )
        served.front.send(credit(1, 1_000_000))
        self.assertEqual(len(served.front.reply(1).body), 540_000)

    def test_opens_an_event_stream_before_its_first_event(self):
        async def app(scope, receive, send):
            await send(dict(START, headers=[(b"content-type", b"text/event-stream")]))
            await receive()
            message = await receive()
            served.note(message["type"])
            served.note(await attempt(send(body(b"late", True))))

        served = ServedAsgi(self, app)
        served.front.send(request(1))
        served.front.until(lambda: 1 in served.front.replies and served.front.replies[1].status == 200)
        served.front.send(cancel(1))
        self.assertEqual(served.await_facts(2), ["http.disconnect", "ClientLeft"])
        self.assertEqual(served.front.reply(1).abort, "the client left")

    def test_informs_of_early_hints(self):
        hint = {
            "type": "http.response.early_hint",
            "links": [b"</a.css>; rel=preload", b"</b.js>; rel=preload"],
        }
        reply = self.answer(hint, START, body(b"x"))
        self.assertEqual(
            reply.informs, [(103, b"link: </a.css>; rel=preload\r\nlink: </b.js>; rel=preload\r\n\r\n")]
        )
        self.assertEqual(reply.body, b"x")

    def test_ends_with_trailers(self):
        trailers = {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")], "more_trailers": True}
        last = {"type": "http.response.trailers", "headers": [(b"x-end", b"2")]}
        for parts in ([body(b"a")], [body(b"a", True), body(b"b")], [body(b"x" * 70_000)]):
            reply = self.answer(dict(START, trailers=True), *parts, trailers, last)
            self.assertEqual(reply.body, b"".join(part["body"] for part in parts))
            self.assertEqual(self.served.frames(wire.TRAILERS), [b"x-sum: 1\r\nx-end: 2\r\n\r\n"])

    def test_announces_trailers_only_where_they_follow(self):
        headers = iter([(b"x-a", b"1"), [b"Trailer", b" x-sum "]])
        last = {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")]}
        reply = self.answer(dict(START, headers=headers, trailers=True), body(b"a"), last)
        self.assertEqual(reply.headers, [("x-a", "1"), ("Trailer", "x-sum")])
        reply = self.answer(dict(START, headers=[(b"trailer", b"x-sum")]), body(b"a"))
        self.assertEqual(reply.headers, [("content-length", "1")])


class FileTest(AsgiTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = os.urandom(100_000)
        self.path = os.path.join(folder.name, "fïle")
        with open(self.path, "wb") as file:
            file.write(self.data)

    def pathsend(self, reply_byte, path=None, **changes):
        message = {"type": "http.response.pathsend", "path": path or self.path}
        self.served = ServedAsgi(self, answering(START, message))
        self.served.front.send(request(1, **changes))
        if reply_byte is not None:
            self.served.until_frame(wire.FILE)
            self.served.front.send(frame(1, wire.FILE_REPLY, 0, reply_byte))
        return self.served

    def test_lets_the_front_send_a_file(self):
        served = self.pathsend(b"\1")
        reply = served.front.replies[1]
        self.assertEqual((reply.file[:2], reply.file[4]), ((0, 100_000), self.path))
        self.assertEqual((reply.length, reply.file[3]), (100_000, os.stat(self.path).st_ino))
        served.front.send(request(2, path="/next"))
        served.until_frame(wire.FILE, 2)
        self.assertEqual(served.call(lambda: sorted(served.link.cycles)), [2])

    def test_sends_a_file_by_itself_when_the_front_cannot(self):
        reply = self.pathsend(b"\0")
        front = reply.front
        front.replies.clear()
        self.assertEqual(front.reply(1).body, self.data)

    def test_sends_no_file_for_head_and_an_empty_one_without_asking(self):
        reply = self.pathsend(None, method="HEAD").front.reply(1)
        self.assertEqual((reply.length, reply.body, reply.file), (100_000, b"", None))
        reply = self.pathsend(None, path=os.devnull).front.reply(1)
        self.assertEqual((reply.length, reply.body, reply.file), (0, b"", None))

    def test_answers_500_for_a_file_that_is_not_there(self):
        reply = self.pathsend(None, path=self.path + ".gone").front.reply(1)
        self.assert_fails(reply, "FileNotFoundError")

    def test_ends_when_the_client_leaves_before_the_front_replied(self):
        served = self.pathsend(None)
        served.until_frame(wire.FILE)
        served.front.send(cancel(1))
        self.assertEqual(served.front.reply(1).abort, "the client left")

    def test_sends_pieces_of_open_files(self):
        with open(self.path, "rb") as file:
            file.seek(90_000)
            kind = "http.response.zerocopysend"
            reply = self.answer(
                START,
                {"type": kind, "file": file, "offset": 10, "count": 80_000, "more_body": True},
                {"type": kind, "file": file.fileno(), "count": 6_000, "more_body": True},
                {"type": kind, "file": file},
            )
        self.assertEqual(reply.body, self.data[10:80_010] + self.data[90_000:])


class ReceiveTest(AsgiTest):
    def read_all(self, pieces):
        async def app(scope, receive, send):
            messages = []
            while True:
                messages.append(await receive())
                if not messages[-1].get("more_body"):
                    break
            await send(START)
            await send(body(b"".join(message["body"] for message in messages)))

        self.served = ServedAsgi(self, app)
        self.served.front.send(request(1, 0))
        for piece in pieces[:-1]:
            self.served.front.send(frame(1, wire.BODY, 0, piece))
        self.served.front.send(frame(1, wire.BODY, wire.END, pieces[-1]))
        return self.served.front.reply(1)

    def test_gives_a_body_piece_by_piece_and_credit_back(self):
        self.assertEqual(self.read_all([b"a", b"b", b""]).body, b"ab")
        self.assertEqual(self.read_all([b"x" * 10_000] * 5).body, b"x" * 50_000)

    def test_gives_credit_back_as_the_app_receives_and_once_more_than_that(self):
        async def app(scope, receive, send):
            for _ in range(3):
                served.note(len((await receive())["body"]))
            await send(START)
            await send(body())

        served = ServedAsgi(self, app)
        served.front.send(request(1, 0))
        for total in (1, 2, 3):
            served.front.send(frame(1, wire.BODY, 0, b"x" * 20_000))
            served.await_facts(total)
        served.front.reply(1)
        first = 20_000 + asgi.WIDER_WINDOW - asgi.REQUEST_WINDOW
        given = [int.from_bytes(frame, "little") for frame in served.frames(wire.CREDIT)]
        self.assertEqual(given, [first, 20_000, 20_000])

    def test_tells_the_end_of_no_body_once_then_waits_for_the_end(self):
        async def app(scope, receive, send):
            served.note(await receive())
            second = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            served.note(second.done())
            await send(START)
            await send(body(b"x"))
            served.note(await second)
            served.note(await receive())

        served = ServedAsgi(self, app)
        served.ask()
        gone = {"type": "http.disconnect"}
        self.assertEqual(
            served.await_facts(4),
            [{"type": "http.request", "body": b"", "more_body": False}, False, gone, gone],
        )

    def test_tells_who_receives_first_after_the_response_that_it_is_over(self):
        async def app(scope, receive, send):
            await send(START)
            await send(body(b"x"))
            served.note(await receive())

        served = ServedAsgi(self, app)
        served.ask()
        self.assertEqual(served.await_facts(1), [{"type": "http.disconnect"}])

    def test_asks_for_a_body_that_awaits_100_continue_when_the_app_receives(self):
        async def app(scope, receive, send):
            if scope["path"] == "/read":
                await receive()
            await send(START)
            await send(body(scope["path"].encode()))

        served = ServedAsgi(self, app)
        served.front.send(request(1, wire.AWAITS_CREDIT, path="/refuse"))
        served.front.reply(1)
        self.assertEqual(served.frames(wire.CREDIT), [])
        served.front.send(request(2, wire.AWAITS_CREDIT, path="/read"))
        self.assertEqual(served.until_frame(wire.CREDIT), [(65_536).to_bytes(4, "little")])
        served.front.send(frame(2, wire.BODY, wire.END, b"x"))
        self.assertEqual(served.front.reply(2).body, b"/read")

    def test_tells_of_a_client_that_left_in_the_middle_of_its_body(self):
        async def app(scope, receive, send):
            served.note((await receive())["body"])
            served.note((await receive())["type"])
            served.note(await attempt(send(START)))

        served = ServedAsgi(self, app)
        served.front.send(request(1, 0), frame(1, wire.BODY, 0, b"half"))
        served.await_facts(1)
        served.front.send(cancel(1))
        self.assertEqual(served.await_facts(3), [b"half", "http.disconnect", "ClientLeft"])
        self.assertEqual(served.front.reply(1).abort, "the client left")


class ScopeTest(AsgiTest):
    def test_adds_what_the_worker_knows(self):
        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                scope["state"].update(shared=shared, count=1)
                await receive()
                await send({"type": "lifespan.startup.complete"})
                await receive()
                return
            served.note({key: scope[key] for key in ("asgi", "state", "extensions", "path")})
            scope["state"]["count"] += 1
            scope["extensions"].clear()
            await send(START)
            await send(body())

        shared = object()
        served = ServedAsgi(self, app, lifespan="on")
        served.front.send(request(1), request(2))
        served.front.reply(2)
        for fact in served.facts:
            self.assertEqual(fact["asgi"], {"version": "3.0", "spec_version": "2.4"})
            self.assertEqual(fact["path"], "/path")
            self.assertIs(fact["state"]["shared"], shared)
        self.assertEqual([fact["state"]["count"] for fact in served.facts], [2, 2])
        self.assertEqual(served.call(lambda: served.pool.state["count"]), 1)

    def test_names_a_user_among_the_extensions_of_that_request_alone(self):
        async def app(scope, receive, send):
            served.note((scope["extensions"].get("remote_user"), "remote_user" in scope))
            if scope["type"] == "http":
                await send(START)
                await send(body())

        served = ServedAsgi(self, app)
        ann = {"name": "ann"}
        served.front.send(request(1, remote_user=ann))
        served.front.reply(1)
        served.front.send(request(3))
        served.front.reply(3)
        served.front.send(websocket(5, remote_user=ann))
        self.assertEqual(served.await_facts(3), [(ann, False), (None, False), (ann, False)])

    def test_runs_each_request_in_its_own_context(self):
        variable = contextvars.ContextVar("variable", default="unset")

        async def app(scope, receive, send):
            seen = variable.get()
            variable.set(scope["path"])
            await send(START)
            await send(body(seen.encode()))

        served = ServedAsgi(self, app)
        served.front.send(request(1), request(2), request(3))
        served.front.reply(3)
        self.assertEqual({reply.body for reply in served.front.replies.values()}, {b"unset"})


class FaultTest(AsgiTest):
    def test_answers_500_and_logs_the_traceback_when_the_app_raises(self):
        async def app(scope, receive, send):
            if scope["path"] == "/after":
                await send(START)
            raise ValueError("mine")

        self.served = ServedAsgi(self, app)
        for path in ("/before", "/after"):
            reply = self.served.ask(path=path)
            self.assertEqual(reply.body, b"Internal Server Error")
            self.assert_fails(reply, f"GET {path}", "ValueError: mine", "test_asgi.py")
            self.served.front.replies.clear()
        self.assertNotIn("cycle.py", self.served.records.text)

    def test_breaks_the_connection_when_the_app_raises_in_its_body(self):
        async def app(scope, receive, send):
            await send(START)
            await send(body(b"half", True))
            raise ValueError("mine")

        self.served = ServedAsgi(self, app)
        self.assert_breaks(self.served.ask(), "ValueError: mine")

    def test_logs_what_is_raised_after_the_answer_without_harm(self):
        async def app(scope, receive, send):
            await send(START)
            await send(body(b"whole"))
            raise ValueError("late")

        self.served = ServedAsgi(self, app)
        reply = self.served.ask()
        self.assertEqual((reply.body, reply.abort), (b"whole", None))
        self.served.front.send(request(2))
        self.served.front.reply(2)
        self.assertIn("ValueError: late", self.served.records.text)

    def test_answers_500_when_the_app_returns_without_an_answer(self):
        self.assert_fails(self.answer(), "returned without sending a response: GET /path")
        self.assert_fails(self.answer(START), "returned without sending a response")
        self.assert_breaks(self.answer(START, body(b"half", True)), "returned without finishing its response")

    def test_refuses_messages_out_of_order(self):
        self.assert_fails(self.answer(body(b"x")), "expected http.response.start", "'http.response.body'")
        self.assert_fails(self.answer(START, START), "expected http.response.body")
        self.assert_fails(self.answer({"type": "nonsense"}), "'nonsense'")
        self.assert_fails(self.answer({"type": "websocket.accept"}), "'websocket.accept'")
        self.assert_fails(self.answer({}), "KeyError")
        reply = self.answer(START, body(b"x"), body(b"y"))
        self.assertEqual((reply.body, reply.abort), (b"x", None))
        self.served.front.send(request(2))
        self.served.front.reply(2)
        self.assertIn("expected nothing more", self.served.records.text)

    def test_refuses_heads_that_must_not_be_sent(self):
        for change, word in (
            ({"status": 99}, "from 200 to 999"),
            ({"status": "200"}, "from 200 to 999"),
            ({"status": None}, "from 200 to 999"),
            ({"headers": [(b"a b", b"c")]}, "invalid header name"),
            ({"headers": [(b"", b"c")]}, "invalid header name"),
            ({"headers": [(b"a", b"b\r\nc: d")]}, "control character"),
            ({"headers": [(b"a", b"b\0")]}, "control character"),
            ({"headers": [("a", b"b")]}, "must be bytes in ASGI"),
            ({"headers": [(b"a", 5)]}, "must be bytes in ASGI"),
            ({"headers": [({}, {})]}, "(name, value)"),
            ({"headers": [(b"a", b"b", b"c")]}, "(name, value)"),
            ({"headers": [b"ab"]}, "(name, value)"),
            ({"headers": [(b"content-length", b"x")]}, "Content-Length"),
            ({"headers": [(b"content-length", b"-1")]}, "Content-Length"),
            ({"headers": [(b"content-length", b"1"), (b"Content-Length", b"2")]}, "Content-Length"),
            ({"headers": 5}, "TypeError"),
        ):
            with self.subTest(change):
                self.assert_fails(self.answer(dict(START, **change), body(b"x")), word)

    def test_holds_the_app_to_its_content_length(self):
        five = dict(START, headers=[(b"content-length", b"5")])
        self.assert_fails(self.answer(five, body(b"123456")), "more bytes (6)")
        self.assert_fails(self.answer(five, body(b"1234")), "after 4 of 5")
        self.assert_breaks(self.answer(five, body(b"123", True), body(b"456")), "more bytes (6)")
        self.assert_breaks(self.answer(five, body(b"123", True), body()), "after 3 of 5")
        self.assertEqual(self.answer(five, body(b"123", True), body(b"45")).body, b"12345")

    def test_refuses_bodies_that_are_no_bytes(self):
        for data in ("text", 5, None, [b"x"]):
            self.assert_fails(self.answer(START, body(data)), "a body must be bytes")

    def test_says_little_of_an_app_that_passes_on_that_its_client_left(self):
        async def app(scope, receive, send):
            served.note(await receive())
            await receive()
            try:
                await send(START)
            except OSError as error:
                raise ValueError("wrapped by a framework") from error

        served = ServedAsgi(self, app)
        served.front.send(request(1))
        served.await_facts(1)
        served.front.send(cancel(1))
        self.assertIsNotNone(served.front.reply(1).abort)
        self.assertIn("The client left", served.records.text)
        self.assertNotIn("Exception", served.records.text)

    def test_asks_to_be_replaced_when_the_app_wants_the_process_to_end(self):
        async def app(scope, receive, send):
            raise SystemExit(3)

        self.served = ServedAsgi(self, app)
        self.assert_fails(self.served.ask(), "SystemExit")
        self.assertEqual(self.served.retired, ["the application raised SystemExit"])
        self.served.front.send(request(2))
        self.assertEqual(self.served.front.reply(2).status, 500)

    def test_ends_a_request_whose_task_is_cancelled_from_inside(self):
        async def app(scope, receive, send):
            raise asyncio.CancelledError

        self.served = ServedAsgi(self, app)
        self.assertEqual(self.served.ask().status, 500)

    def test_cancels_an_app_that_goes_on_after_its_client_left(self):
        async def app(scope, receive, send):
            try:
                served.note("started")
                await asyncio.Event().wait()
            finally:
                served.note("cancelled")

        served = ServedAsgi(self, app, asgi_disconnect_grace_ms=1)
        served.front.send(request(1))
        served.await_facts(1)
        served.front.send(cancel(1))
        self.assertIsNotNone(served.front.reply(1).abort)
        self.assertEqual(served.facts, ["started", "cancelled"])

    def test_asks_for_another_time_limit_at_any_time(self):
        async def app(scope, receive, send):
            assert scope["extensions"]["tunicorn.timeout"] == {}
            await send({"type": "tunicorn.timeout", "seconds": 0.0101})
            await send(START)
            await send({"type": "tunicorn.timeout", "seconds": None})
            await send(body())
            served.note(await attempt(send({"type": "tunicorn.timeout", "seconds": 1})))

        served = ServedAsgi(self, app)
        self.assertEqual(served.ask().status, 200)
        self.assertEqual(served.frames(wire.DEADLINE), [b"\x0b\0\0\0", b"\0\0\0\0"])
        self.assertEqual(served.await_facts(1), ["RuntimeError"])

    def test_cancels_an_app_whose_time_is_over_and_logs_where_it_was(self):
        async def app(scope, receive, send):
            served.note((await receive())["type"])
            served.note((await receive())["type"])
            try:
                await asyncio.Event().wait()
            finally:
                served.note("cancelled")

        self.addCleanup(setattr, async_link, "LATE_GRACE_SECONDS", async_link.LATE_GRACE_SECONDS)
        async_link.LATE_GRACE_SECONDS = 0.01
        served = ServedAsgi(self, app)
        served.front.send(request(1))
        served.await_facts(1)
        served.front.send(frame(1, wire.CANCEL, 0, b"\2"))
        self.assertIsNotNone(served.front.reply(1).abort)
        self.assertEqual(served.facts, ["http.request", "http.disconnect", "cancelled"])
        self.assertIn("GET /path ran longer than its time limit", served.records.text)
        self.assertIn("await receive()", served.records.text)

    def test_lets_a_stream_say_a_last_word_when_the_worker_is_to_go(self):
        async def app(scope, receive, send):
            await receive()
            await send(START)
            await send(body(b"first", more=True))
            served.note((await receive())["type"])
            await send(body(b"last"))

        served = ServedAsgi(self, app)
        served.front.send(request(1))
        served.front.until(lambda: 1 in served.front.replies)
        served.front.send(frame(1, wire.NOTICE))
        reply = served.front.reply(1)
        self.assertEqual((reply.body, reply.abort, served.facts), (b"firstlast", None, ["http.disconnect"]))

    def test_says_nothing_of_an_app_that_stops_in_the_middle_once_the_worker_is_to_go(self):
        async def app(scope, receive, send):
            await receive()
            await send(START)
            await send(body(b"first", more=True))
            await receive()

        served = ServedAsgi(self, app)
        served.front.send(request(1))
        served.front.until(lambda: 1 in served.front.replies)
        served.front.send(frame(1, wire.NOTICE))
        self.assertIsNotNone(served.front.reply(1).abort)
        self.assertEqual(served.records.messages, [])

    def test_does_not_run_a_request_that_was_cancelled_with_it(self):
        async def app(scope, receive, send):
            served.note(scope["path"])
            await send(START)
            await send(body())

        served = ServedAsgi(self, app)
        served.front.send(request(1, path="/1") + cancel(1) + request(2, path="/2"))
        served.front.reply(2)
        self.assertEqual((served.facts, served.front.reply(1).abort), (["/2"], "cancelled"))


async def attempt(awaitable):
    try:
        await awaitable
    except Exception as error:
        return type(error).__name__
    return "done"


if __name__ == "__main__":
    unittest.main()
