from __future__ import annotations

import os
import signal
import time
import unittest
from typing import Callable

from tunicorn_worker.dumps import SIGNAL, STOPPED, Dumps

WAIT_SECONDS = 30.0


def wait_here(ready: int) -> None:
    os.write(ready, b"1")
    time.sleep(WAIT_SECONDS)


def forget_the_signal(ready: int) -> None:
    if SIGNAL is not None:
        signal.signal(SIGNAL, signal.SIG_IGN)
        signal.signal(SIGNAL, signal.SIG_DFL)
    wait_here(ready)


@unittest.skipIf(SIGNAL is None, "no signal is left for it")
class DumpsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.dumps = Dumps()

    def tearDown(self) -> None:
        self.dumps.close()

    def fork(self, run: Callable[[int], None]) -> int:
        """A child that is in `run`."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                self.dumps.abandon()
                run(writer)
            finally:
                os._exit(0)
        self.addCleanup(os.waitpid, pid, 0)
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
        return pid

    def test_shows_what_a_child_is_doing_and_leaves_it_alone(self) -> None:
        first, second = self.fork(wait_here), self.fork(wait_here)
        for pid in (first, second, first):
            text = self.dumps.take(pid)
            self.assertEqual(text.count("wait_here"), 1, text)
        self.assertEqual(os.waitpid(first, os.WNOHANG), (0, 0))

    @unittest.skipUnless(os.path.exists("/proc/self/status"), "the system does not say")
    def test_sends_no_signal_that_would_kill(self) -> None:
        pid = self.fork(forget_the_signal)
        self.assertEqual(self.dumps.take(pid), "")
        self.assertEqual(os.waitpid(pid, os.WNOHANG), (0, 0))

    @unittest.skipUnless(os.path.exists("/proc/self/status"), "the system does not say")
    def test_says_that_a_child_is_stopped(self) -> None:
        pid = self.fork(wait_here)
        os.kill(pid, signal.SIGSTOP)
        os.waitpid(pid, os.WUNTRACED)
        self.assertEqual(self.dumps.take(pid), STOPPED)

    def test_has_room_for_many_signals_at_once(self) -> None:
        pid = os.fork()
        if pid == 0:
            names = (
                "HUP",
                "INT",
                "QUIT",
                "TERM",
                "TTIN",
                "TTOU",
                "USR1",
                "USR2",
                "WINCH",
                "CHLD",
                "IO",
                "URG",
            )
            numbers = [getattr(signal, f"SIG{name}") for name in names]
            for number in numbers:
                signal.signal(number, lambda number, frame: None)
            signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
            for number in numbers:
                os.kill(os.getpid(), number)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
            os._exit(0)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)

    def test_leaves_a_signal_alone_that_somebody_uses(self) -> None:
        self.dumps.close()
        assert SIGNAL is not None
        heard: list[int] = []
        signal.signal(SIGNAL, lambda number, _: heard.append(number))
        self.addCleanup(signal.signal, SIGNAL, signal.SIG_DFL)
        self.assertEqual(Dumps().take(os.getpid()), "")
        self.assertEqual(heard, [])


if __name__ == "__main__":
    unittest.main()
