from __future__ import annotations

import socket
import unittest

import support  # noqa: F401  # puts the package on sys.path
from tunicorn_worker.outbox import Outbox


class OutboxTest(unittest.TestCase):
    def setUp(self):
        self.near, self.far = socket.socketpair()
        self.addCleanup(self.near.close)
        self.addCleanup(self.far.close)
        self.near.setblocking(False)
        self.outbox = Outbox(self.near)

    def read_all(self, pieces, step):
        """Sends `pieces`, then reads until everything has come, sending on whenever there is room."""
        wanted = b"".join(pieces)
        self.assertTrue(self.outbox.send(pieces))
        got = b""
        while len(got) < len(wanted):
            got += self.far.recv(step)
            self.assertTrue(not self.outbox.unsent or self.outbox.send([]))
        self.assertEqual(got, wanted)
        self.assertEqual(self.outbox.unsent, 0)

    def test_sends_short_pieces_in_order(self):
        self.read_all([b"one ", b"two ", b"three"], 65_536)

    def test_remembers_what_the_socket_did_not_take_of_long_and_short_pieces(self):
        pieces = [bytes([65 + number % 26]) * (1 + number * 7919 % 90_000) for number in range(60)]
        for step in (65_536, 4_099):
            self.read_all(list(pieces), step)

    def test_takes_more_pieces_than_one_call_may_have(self):
        self.read_all([b"%05d" % number * 8 for number in range(2_000)], 65_536)

    def test_keeps_order_when_more_comes_while_some_waits(self):
        first, second = b"a" * 3_000_000, b"b" * 10
        self.outbox.send([first])
        self.assertGreater(self.outbox.unsent, 0)
        self.outbox.send([second])
        got = b""
        while len(got) < len(first) + len(second):
            got += self.far.recv(1_000_000)
            if self.outbox.unsent:
                self.outbox.send([])
        self.assertEqual(got, first + second)

    def test_says_that_the_other_end_is_gone(self):
        self.far.close()
        self.assertFalse(self.outbox.send([b"x"]) and self.outbox.send([b"y"]))

    def test_forgets(self):
        self.outbox.send([b"a" * 3_000_000])
        self.outbox.clear()
        self.assertEqual(self.outbox.unsent, 0)


if __name__ == "__main__":
    unittest.main()
