"""WebSockets of ASGI apps through a fake front."""

from __future__ import annotations

import os
import struct
import unittest

from support import frame
from support_asgi import ServedAsgi, body, cancel, close, credit, websocket
from test_asgi import attempt
from tunicorn_worker import wire

ACCEPT = {"type": "websocket.accept"}
CLOSE = {"type": "websocket.close"}


def text(data):
    return {"type": "websocket.send", "text": data}


def code_of(payload):
    return struct.unpack_from("<H", payload)[0], payload[2:].decode()


class WebSocketTest(unittest.TestCase):
    def serve(self, *messages, then=None):
        """An app that receives websocket.connect, sends these and goes on with `then`."""

        async def app(scope, receive, send):
            self.assertEqual(await receive(), {"type": "websocket.connect"})
            for message in messages:
                await send(message)
            if then is not None:
                await then(receive, send)

        self.served = ServedAsgi(self, app)
        self.served.front.send(websocket(1))
        return self.served

    def assert_closed(self, code, reason=""):
        closed = self.served.until_frame(wire.WS_CLOSE)
        self.assertEqual([code_of(payload) for payload in closed], [(code, reason)])


class HandshakeTest(WebSocketTest):
    def test_accepts_with_subprotocol_and_headers(self):
        served = self.serve(dict(ACCEPT, subprotocol="chat", headers=[(b"x-a", b"1")]))
        self.assertEqual(served.until_frame(wire.WS_ACCEPT), [b"\4chatx-a: 1\r\n\r\n"])
        self.assert_closed(1000)

    def test_accepts_without_anything(self):
        for message in (ACCEPT, dict(ACCEPT, subprotocol=None, headers=None), dict(ACCEPT, headers=[])):
            self.assertEqual(self.serve(message).until_frame(wire.WS_ACCEPT), [b"\0\r\n"])

    def test_refuses_with_403_when_closed_before_accept(self):
        reply = self.serve(CLOSE).front.reply(1)
        self.assertEqual((reply.status, reply.body, reply.length), (403, b"", 0))

    def test_refuses_with_the_apps_own_response(self):
        start = {"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-a", b"1")]}
        first = dict(body(b"no ", True), type="websocket.http.response.body")
        last = dict(body(b"x" * 70_000), type="websocket.http.response.body")
        reply = self.serve(start, first, last).front.reply(1)
        self.assertEqual((reply.status, reply.headers), (401, [("x-a", "1")]))
        self.assertEqual(reply.body, b"no " + b"x" * 70_000)

    def test_answers_500_for_handshakes_that_must_not_be_sent(self):
        for change, word in (
            ({"subprotocol": "a b"}, "subprotocol must be a token"),
            ({"subprotocol": "é"}, "subprotocol must be a token"),
            ({"subprotocol": "x" * 300}, "at most 255"),
            ({"headers": [(b"x", b"a\r\nb: c")]}, "control character"),
            ({"headers": [(b"Content-Length", b"1")]}, "Content-Length"),
            ({"headers": [(b"Sec-WebSocket-Protocol", b"chat")]}, "name a subprotocol"),
        ):
            with self.subTest(change):
                self.assertEqual(self.serve(dict(ACCEPT, **change)).front.reply(1).status, 500)
                self.assertIn(word, self.served.records.text)

    def test_answers_500_when_the_app_gives_no_answer(self):
        self.assertEqual(self.serve().front.reply(1).status, 500)
        self.assertIn("returned without accepting or closing: WebSocket /path", self.served.records.text)

        async def fail(receive, send):
            raise ValueError("mine")

        self.assertEqual(self.serve(then=fail).front.reply(1).status, 500)
        self.assertIn("ValueError: mine", self.served.records.text)
        start = {"type": "websocket.http.response.start", "status": 401}
        self.assertEqual(self.serve(start).front.reply(1).status, 500)
        part = dict(body(b"half", True), type="websocket.http.response.body")
        self.assertIsNotNone(self.serve(start, part).front.reply(1).abort)

    def test_tells_of_a_client_that_left_before_accept(self):
        async def then(receive, send):
            self.served.note(await receive())
            self.served.note(await attempt(send(ACCEPT)))

        served = self.serve(then=then)
        served.front.send(close(1, 1006))
        gone = {"type": "websocket.disconnect", "code": 1006, "reason": ""}
        self.assertEqual(served.await_facts(2), [gone, "ClientLeft"])
        served.front.send(websocket(2), cancel(2))
        served.front.until(lambda: 2 in served.front.replies)
        self.assertNotIn(1, served.front.replies)


class MessageTest(WebSocketTest):
    async def echo(self, receive, send):
        while True:
            message = await receive()
            self.served.note(message)
            if message["type"] == "websocket.disconnect":
                return
            await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})

    def test_passes_text_and_bytes_both_ways(self):
        served = self.serve(ACCEPT, then=self.echo)
        for kind, data in (
            (wire.WS_TEXT, "grüße €".encode()),
            (wire.WS_BINARY, b"\0\xff"),
            (wire.WS_TEXT, b""),
            (wire.WS_BINARY, b""),
        ):
            served.front.frames.clear()
            served.front.send(frame(1, kind, 0, data))
            self.assertEqual(served.until_frame(kind), [data])
        self.assertEqual(served.facts[0], {"type": "websocket.receive", "text": "grüße €"})
        self.assertEqual(served.facts[1], {"type": "websocket.receive", "bytes": b"\0\xff"})

    def test_joins_pieces_and_sends_large_messages_in_pieces(self):
        served = self.serve(ACCEPT, then=self.echo)
        data = os.urandom(1 << 16) * 256  # 16 MiB
        half = wire.FRAME_BYTES_MAX
        pieces = [data[at : at + half] for at in range(0, len(data), half)]
        for piece in pieces[:-1]:
            served.front.send(frame(1, wire.WS_BINARY, wire.MORE, piece))
        served.front.send(frame(1, wire.WS_BINARY, 0, pieces[-1]))
        served.front.until(
            lambda: any(found[1] == wire.WS_BINARY and not found[2] for found in served.front.frames)
        )
        self.assertEqual(b"".join(served.frames(wire.WS_BINARY)), data)
        flags = [found[2] for found in served.front.frames if found[1] == wire.WS_BINARY]
        self.assertEqual(flags, [wire.MORE] * 15 + [0])
        self.assertEqual(
            served.until_frame(wire.CREDIT), [struct.pack("<I", len(data) + wire.WS_MESSAGE_COST)]
        )

    def test_gives_credit_back_in_steps_of_a_quarter_of_the_queue(self):
        served = self.serve(ACCEPT, then=self.echo)
        for count in range(1, 9):
            served.front.send(frame(1, wire.WS_TEXT))
            served.await_facts(count)
        self.assertEqual(served.until_frame(wire.CREDIT), [struct.pack("<I", 8 * wire.WS_MESSAGE_COST)])

    def test_sends_whenever_credit_is_left_and_may_overdraw(self):
        async def then(receive, send):
            for size in (wire.CREDIT_INITIAL - wire.WS_MESSAGE_COST - 1, 100_000, 5):
                await send({"type": "websocket.send", "bytes": b"x" * size})
                self.served.note(size)

        served = self.serve(ACCEPT, then=then)
        served.until_frame(wire.WS_BINARY, 2)
        self.assertEqual(len(served.await_facts(2)), 2)
        served.front.send(credit(1, 102_048))
        self.assertEqual(served.until_frame(wire.WS_BINARY, 3)[2], b"x" * 5)

    def test_refuses_messages_that_are_none(self):
        for message in (
            {"type": "websocket.send"},
            {"type": "websocket.send", "text": None, "bytes": None},
            {"type": "websocket.send", "text": "a", "bytes": b"a"},
            {"type": "websocket.send", "text": b"a"},
            {"type": "websocket.send", "bytes": "a"},
            {"type": "websocket.send", "text": "\ud800"},
            dict(CLOSE, code=1005),
            dict(CLOSE, code=99),
            dict(CLOSE, code="1000"),
            ACCEPT,
            {"type": "http.response.start"},
            {"type": "websocket.http.response.start", "status": 403},
        ):
            with self.subTest(message):
                self.serve(ACCEPT, message)
                self.assert_closed(1011)
                self.assertIn("Exception in ASGI application: WebSocket /path", self.served.records.text)


class CloseTest(WebSocketTest):
    def test_closes_with_code_and_reason(self):
        self.serve(ACCEPT, dict(CLOSE, code=4001, reason="böse"))
        self.assert_closed(4001, "böse")
        self.serve(ACCEPT, dict(CLOSE, code=None, reason=None))
        self.assert_closed(1000)

    def test_cuts_reasons_between_characters(self):
        self.serve(ACCEPT, dict(CLOSE, reason="ä" * 100))
        self.assert_closed(1000, "ä" * 61)

    def test_closes_1011_when_the_app_raises(self):
        async def fail(receive, send):
            raise ValueError("mine")

        self.serve(ACCEPT, then=fail)
        self.assert_closed(1011)
        self.assertIn("ValueError: mine", self.served.records.text)

    def test_tells_code_and_reason_of_the_client(self):
        async def then(receive, send):
            self.served.note(await receive())
            for message in (text("late"), CLOSE):
                self.served.note(await attempt(send(message)))
            self.served.note(await attempt(receive()))

        served = self.serve(ACCEPT, then=then)
        served.until_frame(wire.WS_ACCEPT)
        served.front.send(close(1, 3000, "tschüß".encode()))
        gone = {"type": "websocket.disconnect", "code": 3000, "reason": "tschüß"}
        self.assertEqual(served.await_facts(4), [gone, "ClientLeft", "ClientLeft", "RuntimeError"])
        self.assertEqual(served.frames(wire.WS_CLOSE), [])

    def test_says_1005_for_a_close_without_code(self):
        async def then(receive, send):
            self.served.note((await receive())["code"])

        served = self.serve(ACCEPT, then=then)
        served.until_frame(wire.WS_ACCEPT)
        served.front.send(frame(1, wire.WS_CLOSE))
        self.assertEqual(served.await_facts(1), [1005])

    def test_gives_messages_before_the_close_first(self):
        async def then(receive, send):
            for _ in range(2):
                self.served.note((await receive())["type"])

        served = self.serve(ACCEPT, then=then)
        served.until_frame(wire.WS_ACCEPT)
        served.front.send(frame(1, wire.WS_TEXT, 0, b"last"), close(1, 1000))
        self.assertEqual(served.await_facts(2), ["websocket.receive", "websocket.disconnect"])

    def test_raises_for_messages_after_the_apps_own_close(self):
        async def then(receive, send):
            self.served.note(await attempt(send(text("late"))))
            self.served.note(await attempt(send(CLOSE)))
            self.served.note((await receive())["code"])

        served = self.serve(ACCEPT, CLOSE, then=then)
        served.until_frame(wire.WS_CLOSE)
        served.front.send(close(1, 1000))
        self.assertEqual(served.await_facts(3), ["RuntimeError", "RuntimeError", 1000])

    def test_lets_a_sender_without_credit_go_when_the_client_leaves(self):
        async def then(receive, send):
            await send({"type": "websocket.send", "bytes": b"x" * wire.CREDIT_INITIAL})
            self.served.note("full")
            self.served.note(await attempt(send(text("more"))))

        served = self.serve(ACCEPT, then=then)
        served.await_facts(1)
        served.front.send(close(1, 1006))
        self.assertEqual(served.await_facts(2), ["full", "ClientLeft"])


if __name__ == "__main__":
    unittest.main()
