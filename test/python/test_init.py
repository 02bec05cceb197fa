"""Process 1 as a child of the test: what it passes on, buries, and ends with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import unittest

INIT = os.path.join(os.path.dirname(__file__), "..", "..", "python", "tunicorn_worker", "init.py")


def start(*command: str, **options: object) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-I", "-S", INIT, *command]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=20)
    return process.returncode, output


class InitTest(unittest.TestCase):
    def test_ends_as_the_server_ends(self) -> None:
        self.assertEqual(ended(start("/bin/sh", "-c", "echo served; exit 7")), (7, "served\n"))
        self.assertEqual(ended(start("/bin/sh", "-c", "kill -KILL $$"))[0], 128 + signal.SIGKILL)

    def test_passes_signals_on(self) -> None:
        for name in ("HUP", "INT", "QUIT", "TERM", "TTIN", "TTOU", "USR1", "USR2", "WINCH"):
            with self.subTest(name):
                script = f"trap 'echo heard; exit 3' {name}; echo ready; while :; do sleep 0.02; done"
                process = start("/bin/sh", "-c", script)
                assert process.stdout is not None
                self.assertEqual(process.stdout.readline(), "ready\n")
                process.send_signal(getattr(signal, f"SIG{name}"))
                self.assertEqual(ended(process), (3, "heard\n"))

    @unittest.skipUnless(os.path.exists("/proc/self/status"), "needs Linux")
    def test_leaves_no_signal_blocked_in_the_server(self) -> None:
        code, output = ended(start("/bin/grep", "SigBlk", "/proc/self/status"))
        self.assertEqual((code, output.split()[-1].strip("0")), (0, ""))

    def test_hands_on_the_sockets_and_the_watchdog_that_were_meant_for_it(self) -> None:
        mine = 'exec env LISTEN_PID=$$ WATCHDOG_PID=1 "$0" "$@"'
        script = 'echo "$LISTEN_PID $$ $WATCHDOG_PID"'
        command = [sys.executable, "-I", "-S", INIT, "/bin/sh", "-c", script]
        output = subprocess.check_output(["/bin/sh", "-c", mine, *command], text=True, timeout=20)
        named, actual, watchdog = output.split()
        self.assertEqual((named, watchdog), (actual, "1"))

    def test_says_what_cannot_be_started(self) -> None:
        process = start("/nonexistent/server", stderr=subprocess.STDOUT)
        code, output = ended(process)
        self.assertEqual((code, "/nonexistent/server: No such file" in output), (1, True))
