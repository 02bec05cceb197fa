"""The forkserver and its workers as real processes, with this test as their arbiter and front."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import unittest

from support import PACKAGE_PARENT, TIMEOUT, FakeFront, frame, request
from tunicorn_worker import wire

APP = """
import os, signal, sys, threading, time

forever = threading.Event()

def app(environ, start_response):
    path = environ["RAW_URI"]
    if path == "/stuck":
        forever.wait()
    if path == "/spin":
        while True:
            pass
    if path == "/crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if path == "/log":
        environ["wsgi.errors"].write("from the app\\n")
        raise ValueError("logged")
    start_response("200 OK", [])
    facts = [os.environ.get("GREETING"), os.environ.get("PYTHONPATH")]
    facts += [os.getpgid(0) == os.getpid(), os.getcwd(), sys.path[0]]
    return [repr(facts).encode()]
"""
# dup2 to fd 3, where the forkserver looks for its control socket.
SPAWN = (
    "import os, sys; os.dup2({fd}, 3); os.close({fd});"
    "os.execv(sys.executable, [sys.executable, *{arguments!r}])"
)


class Lines:
    """One side of a control connection."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(TIMEOUT)
        self.seen = []
        self._file = sock.makefile("rb")

    def send(self, **message):
        self.sock.sendall(json.dumps(message).encode() + b"\n")

    def next(self):
        line = self._file.readline()
        message = json.loads(line) if line else None
        self.seen.append(message)
        return message

    def until(self, kind):
        """The next message of this type; what comes before it is kept in `seen`."""
        while True:
            message = self.next()
            assert message is not None, f"the end instead of {kind}: {self.seen}"
            if message["type"] == kind:
                return message

    def close(self):
        self._file.close()
        self.sock.close()


class ProcessTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)
        self.write("app.py", APP)
        self.log = os.path.join(self.folder, "error.log")
        self.forkserver = None
        self.process = None

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(textwrap.dedent(text))

    def spawn(self):
        ours, theirs = socket.socketpair()
        command = SPAWN.format(fd=theirs.fileno(), arguments=["-m", "tunicorn_worker", "forkserver"])
        environ = dict(os.environ, PYTHONPATH=PACKAGE_PARENT, PYTHONDONTWRITEBYTECODE="1")
        self.process = subprocess.Popen(
            [sys.executable, "-c", command], pass_fds=[theirs.fileno()], env=environ, stderr=subprocess.PIPE
        )
        theirs.close()
        self.forkserver = Lines(ours)
        self.addCleanup(self.end, self.forkserver, self.process)

    def end(self, forkserver, process):
        forkserver.close()
        process.wait(TIMEOUT)
        process.stderr.close()

    def listen(self, abstract=False):
        """A listener and its address as JSON has it."""
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.settimeout(TIMEOUT)
        if abstract:
            listener.bind("")  # Linux chooses an abstract address
            name = "@" + listener.getsockname()[1:].decode()
        else:
            name = os.path.join(self.folder, f"socket-{listener.fileno()}")
            listener.bind(name)
        listener.listen()
        return listener, name

    def accept(self, listener):
        sock = listener.accept()[0]
        self.addCleanup(sock.close)
        return sock

    def fork(self, app="app:app", **settings):
        """A forkserver, one worker of it, and the worker's control connection."""
        self.spawn()
        self.arbiter, address = self.listen(abstract=True)
        values = {"app": app, "chdir": self.folder, "errorLog": self.log, "env": [["GREETING", "hi"]]}
        self.forkserver.send(
            type="configure",
            settings={**values, **settings},
            control={"address": address, "token": "t"},
            generation=7,
        )
        self.configured = self.forkserver.until("configured")
        return self.fork_one()

    def fork_one(self, nr=0):
        self.forkserver.send(type="fork", nr=nr, age=1)
        self.pid = self.forkserver.until("forked")["pid"]
        worker = Lines(self.accept(self.arbiter))
        self.addCleanup(worker.close)
        return worker

    def attach(self, worker):
        if not any(message["type"] == "ready" for message in worker.seen if message):
            worker.until("ready")
        listener, address = self.listen()
        worker.send(type="attach", address=address, token="front")
        links = {}
        for _ in range(2):
            link = FakeFront(self.accept(listener))
            link.until(lambda link=link: link.frames)
            hello = json.loads(link.frames.pop()[3])
            links[hello["role"]] = link
            self.assertEqual(
                (hello["pid"], hello["token"], hello["generation"], hello["version"]),
                (self.pid, "front", 7, 1),
            )
        return links["wire"], links["aside"]

    def assert_exits(self, **how):
        exited = self.forkserver.until("exited")
        self.assertGreater(exited.pop("rssMax"), 1000)
        self.assertEqual(exited, {"type": "exited", "pid": self.pid, **how})

    def log_text(self):
        with open(self.log) as file:
            return file.read()


class LifeTest(ProcessTest):
    def test_boots_in_named_steps_serves_and_stops(self):
        worker = self.fork()
        version = "{}.{}.{}".format(*sys.version_info)
        self.assertEqual((self.configured["python"], self.configured["pid"]), (version, self.process.pid))
        hello = worker.until("hello")
        self.assertEqual(hello, {"type": "hello", "token": "t", "pid": self.pid, "nr": 0, "generation": 7})
        ready = worker.until("ready")
        self.assertEqual((ready["interface"], ready["slots"]), ("wsgi", 1))
        steps = [message["step"] for message in worker.seen if message["type"] == "step"]
        self.assertEqual(steps, ["interpreter", "chdir", "import", "attribute"])
        front, _ = self.attach(worker)
        front.send(request(1))
        self.assertEqual(front.reply(1).body.decode(), repr(["hi", None, True, self.folder, self.folder]))
        worker.send(type="stop", mode="graceful")
        self.assertFalse(front.read())
        self.assert_exits(code=0)

    def test_answers_pings_and_tells_stacks_while_the_app_is_stuck(self):
        worker = self.fork()
        front, _ = self.attach(worker)
        for path in ("/stuck", "/spin"):
            front.send(request(1, RAW_URI="/"))
            front.reply(1)
            front.send(request(2, RAW_URI=path))
            while not self.is_busy(worker, requests=1):
                pass
            for number in range(10_000):
                worker.send(type="stacks", id=number)
                stacks = worker.until("stacks")
                self.assertEqual(stacks["id"], number)
                if "in app" in stacks["text"]:
                    break
            self.assertIn("Thread MainThread", stacks["text"])
            self.assertIn("in app", stacks["text"])
            self.assertNotIn("tunicorn-control", stacks["text"])
            worker.send(type="stop", mode="quick")
            self.assert_exits(code=0)
            worker = self.fork_one()
            front, _ = self.attach(worker)

    def test_takes_back_over_the_aside_while_the_app_is_stuck(self):
        worker = self.fork()
        front, aside = self.attach(worker)
        front.send(request(1), request(2, RAW_URI="/stuck"), request(3))
        while not self.is_busy(worker, requests=1):
            pass
        aside.send(frame(0, wire.TAKE_BACK))
        aside.until(lambda: aside.frames)
        self.assertEqual(aside.frames, [(0, wire.TAKEN, 0, b"\1\0\0\0\3\0\0\0")])
        self.assertEqual(front.reply(1).status, 200)

    def is_busy(self, worker, requests):
        worker.send(type="ping", id=5)
        pong = worker.until("pong")
        self.assertEqual(pong["id"], 5)
        self.assertGreater(pong["rss"], 1000)
        return pong["busy"] == 1 and pong["requests"] == requests

    def test_ends_by_itself_when_the_arbiter_is_gone_even_when_the_app_is_stuck(self):
        worker = self.fork()
        front, _ = self.attach(worker)
        front.send(request(1))
        front.reply(1)
        front.send(request(2, RAW_URI="/spin"))
        while not self.is_busy(worker, requests=1):
            pass
        worker.close()
        self.assert_exits(code=1)

    def test_serves_the_next_front_after_one_died(self):
        worker = self.fork()
        for _ in range(2):
            front, aside = self.attach(worker)
            front.send(request(1))
            self.assertEqual(front.reply(1).status, 200)
            front.sock.close()
            aside.sock.close()

    def test_leaves_a_front_when_told_to(self):
        worker = self.fork()
        front, _ = self.attach(worker)
        worker.send(type="detach")
        self.assertFalse(front.read())

    def test_asks_to_retire_on_sigterm_and_ends_on_sigint(self):
        worker = self.fork()
        worker.until("ready")
        os.kill(self.pid, signal.SIGTERM)
        self.assertEqual(worker.until("retire")["cause"], "signal SIGTERM")
        os.kill(self.pid, signal.SIGINT)
        self.assert_exits(code=0)

    def test_hastens_at_the_second_stop(self):
        worker = self.fork()
        front, _ = self.attach(worker)
        front.send(request(1, RAW_URI="/stuck"))
        while not self.is_busy(worker, requests=0):
            pass
        worker.send(type="stop", mode="graceful")
        worker.send(type="stop", mode="graceful")
        self.assert_exits(code=0)

    def test_runs_several_requests_at_once_as_gthread(self):
        worker = self.fork(workerClass="gthread", threads=3)
        self.assertEqual(worker.until("ready")["slots"], 3)
        front, _ = self.attach(worker)
        front.send(request(1, RAW_URI="/stuck"), request(2, RAW_URI="/stuck"), request(3))
        self.assertEqual(front.reply(3).status, 200)

    def test_writes_its_log_and_reopens_it_on_usr1(self):
        worker = self.fork(logJson=True)
        front, _ = self.attach(worker)
        front.send(request(1, RAW_URI="/log"))
        self.assertEqual(front.reply(1).status, 500)
        noted, line = self.log_text().splitlines()
        self.assertEqual(noted, "from the app")
        entry = json.loads(line)
        self.assertEqual((entry["level"], entry["pid"]), ("error", self.pid))
        self.assertEqual(entry["message"], "Error handling request GET /log")
        self.assertIn("ValueError: logged", entry["exception"])
        os.rename(self.log, self.log + ".1")
        os.kill(self.pid, signal.SIGUSR1)
        worker.send(type="ping", id=1)
        while not os.path.exists(self.log):
            worker.until("pong")
            worker.send(type="ping", id=1)
        worker.until("pong")
        front.send(request(2, RAW_URI="/log"))
        front.reply(2)
        self.assertIn("ValueError: logged", self.log_text())

    def test_colours_levels_where_the_server_does(self):
        worker = self.fork(logColors=True)
        front, _ = self.attach(worker)
        front.send(request(1, RAW_URI="/log"))
        self.assertEqual(front.reply(1).status, 500)
        self.assertIn("[\x1b[31mERROR\x1b[0m] Error handling request GET /log\n", self.log_text())

    def test_ignores_messages_it_does_not_know(self):
        worker = self.fork()
        worker.send(type="of-the-future")
        self.forkserver.send(type="of-the-future")
        worker.send(type="ping", id=1)
        worker.until("pong")


class DeathTest(ProcessTest):
    def test_reports_a_failed_boot_with_its_exit_code(self):
        for app, step, code in (("missing:app", "import", 3), ("app:missing", "attribute", 4)):
            with self.subTest(app):
                worker = self.fork(app)
                failed = worker.until("boot-failed")
                self.assertEqual((failed["step"], failed["exitCode"]), (step, code))
                self.assertIsNone(worker.next())
                self.assert_exits(code=code)

    def test_reports_the_signal_that_ended_a_worker(self):
        self.fork().until("ready")
        self.forkserver.send(type="signal", pid=self.pid, signal="SIGKILL")
        self.assert_exits(signal="SIGKILL")
        self.forkserver.send(type="signal", pid=self.pid, signal="SIGKILL")
        self.forkserver.send(type="signal", pid=os.getpid(), signal="SIGKILL")
        self.fork_one(nr=1).until("ready")

    def test_leaves_the_stacks_of_a_crash_in_the_log(self):
        worker = self.fork()
        front, _ = self.attach(worker)
        front.send(request(1, RAW_URI="/crash"))
        self.assertFalse(front.read())
        self.assert_exits(signal="SIGSEGV")
        self.assertIn("Segmentation fault", self.log_text())

    def test_buries_orphans_without_a_word(self):
        self.write(
            "orphan.py",
            """
            import os
            def app(environ, start_response):
                ready, done = os.pipe()
                if os.fork() == 0:
                    os.fork()
                    os._exit(0)
                os.wait()
                start_response("200 OK", [])
                return [b"x"]
            """,
        )
        worker = self.fork("orphan:app")
        front, _ = self.attach(worker)
        front.send(request(1))
        front.reply(1)
        worker.send(type="stop", mode="graceful")
        self.assert_exits(code=0)


class ForkserverTest(ProcessTest):
    def test_ends_when_the_arbiter_is_gone(self):
        self.fork().until("ready")
        self.forkserver.sock.shutdown(socket.SHUT_RDWR)
        self.assertEqual(self.process.wait(TIMEOUT), 0)

    def test_ends_after_stop_when_its_last_worker_is_reaped(self):
        worker = self.fork()
        worker.until("ready")
        self.forkserver.send(type="stop")
        self.forkserver.send(type="fork", nr=1, age=2)
        worker.send(type="ping", id=1)
        worker.until("pong")
        self.assertIsNone(self.process.poll())
        worker.send(type="stop", mode="graceful")
        self.assert_exits(code=0)
        self.assertEqual(self.process.wait(TIMEOUT), 0)

    def test_does_not_end_by_a_terminals_signals(self):
        self.spawn()
        self.forkserver.send(
            type="configure", settings={}, control={"address": "", "token": ""}, generation=1
        )
        self.forkserver.until("configured")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            self.process.send_signal(number)
        self.forkserver.send(
            type="configure", settings={}, control={"address": "", "token": ""}, generation=2
        )
        self.forkserver.until("configured")

    def test_refuses_settings_of_the_wrong_type(self):
        self.spawn()
        self.forkserver.send(type="configure", settings={"threads": "two"}, control={}, generation=1)
        self.assertEqual(self.process.wait(TIMEOUT), 1)
        self.assertIn(b"setting threads must be int", self.process.stderr.read())

    def test_closes_on_a_line_that_is_no_json(self):
        self.spawn()
        self.forkserver.sock.sendall(b"hello\n")
        self.assertEqual(self.process.wait(TIMEOUT), 0)

    def test_leaves_nothing_of_its_own_open_in_workers(self):
        worker = self.fork()
        worker.until("ready")
        self.process.kill()
        self.process.wait(TIMEOUT)
        readable, _, _ = select.select([self.forkserver.sock], [], [], TIMEOUT)
        self.assertTrue(readable)
        self.assertIsNone(self.forkserver.next())


if __name__ == "__main__":
    unittest.main()
