"""The process that forks workers, reaps them and tells. One thread, nothing but its control socket (fd 3);
the app only with --preload, the configuration file's hooks only where there is one.

arbiter ──(evaluate)──configure──► configured ──fork──► forked … ──exited (reaped)   end of fd 3 ──► it exits
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys

from . import control, inheritance
from .boot_error import BootError
from .job import Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import hooks, logs
    from .config_file import Evaluation
    from .control import Message
    from .dumps import Dumps

CONTROL_FD = 3
READ_BYTES = 65_536
PR_SET_CHILD_SUBREAPER = 36
EXIT_MASTER = 1
#: A terminal sends these to all its processes; when to end is the arbiter's to say.
UNHEARD = ("SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCHLD")
#: At a terminal the kernel has them stop whoever reads from it out of turn.
UNHEARD_IN_BACKGROUND = ("SIGTTIN", "SIGTTOU")


class Ended(Exception):
    """The forkserver's own end: `code` is its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Forkserver:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = inheritance.withhold(sock)
        self._lines = control.LineReader()
        self._settings: control.Settings | None = None
        self._control: Message = {}
        self._generation = 0
        self._workers: set[int] = set()
        self._is_stopping = False
        self._evaluation: Evaluation | None = None
        self._hooks: hooks.Hooks | None = None
        self._log: logs.ErrorLog | None = None
        self._app: tuple[Any, str] | None = None
        self._last_calls: list[Message] = []
        self._sockets: list[int] = []
        self._dumps: Dumps | None = None
        self._signals, self._wakeup = os.pipe()
        for descriptor in (self._signals, self._wakeup):
            os.set_blocking(descriptor, False)

    def run(self) -> Job:
        """Returns in each forked child, with its job. In the parent it only ever raises Ended."""
        inheritance.watch()
        inheritance.handle(UNHEARD if os.isatty(0) else UNHEARD + UNHEARD_IN_BACKGROUND, _unheard)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self._sock.fileno(), select.POLLIN)
        poll.register(self._signals, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poll.poll()]
            if self._signals in ready:
                os.read(self._signals, 4096)
            self._reap()
            job = self._hear() if self._sock.fileno() in ready else None
            if job is not None:
                return job

    def _hear(self) -> Job | None:
        try:
            data = self._sock.recv(READ_BYTES)
        except OSError:
            data = b""
        for message in self._lines.receive(data):
            job = self._obey(message)
            if job is not None:
                return job
        if self._lines.error:
            sys.stderr.write(f"tunicorn forkserver: {self._lines.error}\n")
        if not data or self._lines.error:
            raise Ended(0)
        return None

    def _obey(self, message: Message) -> Job | None:
        kind = message["type"]
        if kind == "evaluate":
            self._evaluate(message)
        elif kind == "configure":
            self._configure(message)
        elif kind == "hook":
            self._call_hook(message)
        elif kind == "fork" and self._settings is not None and not self._is_stopping:
            return self._fork(self._settings, message)
        elif kind == "datagram":
            _send_datagram(str(message["address"]), str(message["text"]))
        elif kind == "dump":
            self._dump(int(message["pid"]), int(message["id"]))
        elif kind == "signal":
            self._signal(int(message["pid"]), str(message["signal"]))
        elif kind == "stop":
            self._is_stopping = True
            self._last_calls = message.get("calls", [])
            self._reap()
        return None

    def _evaluate(self, message: Message) -> None:
        from . import config_file, preload

        self._sockets = list(preload.open_sockets())
        self._evaluation = config_file.evaluate(str(message["kind"]), str(message["name"]))
        self._send(self._evaluation.message())

    def _configure(self, message: Message) -> None:
        try:
            self._settings = control.Settings.from_message(message["settings"])
        except (ValueError, KeyError) as error:
            sys.stderr.write(f"tunicorn forkserver: cannot use its configuration: {error}\n")
            raise Ended(1) from error
        self._control = message["control"]
        self._generation = int(message.get("generation", 0))
        os.environ.update({name: value for name, value in self._settings.env})
        become_subreaper()
        from . import dumps, worker  # its pages are shared by all workers

        worker.preload(self._settings)
        try:
            self._prepare(self._settings, message)
        except BootError as error:
            # gunicorn's code for what fails before any worker exists: a preload, for one.
            self._send({"type": "boot-failed", **error.report(), "exitCode": EXIT_MASTER})
            raise Ended(EXIT_MASTER) from error
        self._dumps = dumps.Dumps()
        gc.collect()
        if hasattr(gc, "freeze"):
            gc.freeze()
        version = "{}.{}.{}".format(*sys.version_info)
        self._send(
            {"type": "configured", "python": version, "pid": os.getpid(), "executable": sys.executable}
        )

    def _prepare(self, settings: control.Settings, message: Message) -> None:
        """The hooks of the start, and the application where it is preloaded. Raises BootError."""
        if self._evaluation is None and not settings.preload and not settings.logger_class:
            return
        from . import loader, logs, master, preload

        self._sockets = self._sockets or list(preload.open_sockets())
        self._log = logs.ErrorLog(settings)
        if self._evaluation is not None and settings.log_config_dict:
            # Its classes and streams, which did not come as JSON.
            settings.log_config_dict = self._evaluation.namespace.get("logconfig_dict", {})
        loader.enter(settings)
        self._log.configure()
        if self._evaluation is not None or settings.logger_class:
            self._hooks = master.make_hooks(self._evaluation, message, settings, self._log)
        by_hook = self._hooks.server.app if self._hooks is not None else None
        self._app = by_hook.loaded if by_hook is not None else None
        if settings.preload and self._app is None:
            self._app = master.load_app(settings)
        if by_hook is not None:
            by_hook.loaded = self._app
        master.warn_of_unshareable(self._sockets, self._log)

    def _call_hook(self, message: Message) -> None:
        if self._hooks is not None:
            from . import master

            master.call(self._hooks, message)

    def _fork(self, settings: control.Settings, message: Message) -> Job | None:
        nr, age = int(message["nr"]), int(message.get("age", 0))
        born = self._hooks.before_fork(age, nr) if self._hooks is not None else None
        sys.stdout.flush()
        sys.stderr.flush()
        pid = inheritance.fork_worker()
        if pid == 0:
            self._abandon()
            job = Job(settings, self._control, self._generation, nr, age)
            job.hooks, job.worker, job.app = self._hooks, born, self._app
            return job
        self._workers.add(pid)
        self._send({"type": "forked", "nr": nr, "pid": pid})
        if self._hooks is not None and born is not None:
            self._hooks.forked(pid, born)
        return None

    def _abandon(self) -> None:
        """In the child: nothing of the forkserver's stays open."""
        signal.set_wakeup_fd(-1)
        self._sock.close()
        os.close(self._signals)
        os.close(self._wakeup)
        if self._dumps is not None:
            self._dumps.abandon()

    def _dump(self, pid: int, ident: int) -> None:
        known = self._dumps is not None and pid in self._workers
        text = self._dumps.take(pid) if self._dumps is not None and known else ""
        self._send({"type": "dumped", "pid": pid, "id": ident, "text": text})

    def _signal(self, pid: int, name: str) -> None:
        number = getattr(signal, name, None)
        if pid in self._workers and isinstance(number, signal.Signals):
            os.kill(pid, number)

    def _reap(self) -> None:
        """All that has ended: workers are reported, their orphans (we are subreaper) only buried."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid in self._workers:
                self._workers.discard(pid)
                end_group(pid, status)
                self._send(exit_report(pid, status, usage.ru_maxrss))
                if self._hooks is not None:
                    self._hooks.reaped(pid)
        if self._is_stopping and not self._workers:
            for call in self._last_calls:
                self._call_hook(call)
            raise Ended(0)

    def _send(self, message: Message) -> None:
        try:
            self._sock.sendall(control.encode(message))
        except OSError:
            raise Ended(0) from None  # the arbiter is gone


def _send_datagram(address: str, text: str) -> None:
    """Says something to a Unix datagram socket, which Node cannot open. What nobody takes at once is lost."""
    path = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.sendto(text.encode(), path)
    except OSError:
        pass


def end_group(pid: int, status: int) -> None:
    """What the worker's app has started ends with it, unless it has left the worker's process group."""
    try:
        os.killpg(pid, signal.SIGKILL if os.WIFSIGNALED(status) else signal.SIGTERM)
    except OSError:
        pass  # nobody is left, or the worker had no group of its own


def exit_report(pid: int, status: int, rss_max: int) -> dict[str, Any]:
    report: dict[str, Any] = {"type": "exited", "pid": pid, "rssMax": rss_max}
    if os.WIFSIGNALED(status):
        report["signal"] = signal_name(os.WTERMSIG(status))
    else:
        report["code"] = os.WEXITSTATUS(status)
    return report


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"  # a real-time signal


def become_subreaper() -> None:
    """Linux: processes that a dead worker leaves behind become our children, so that they do not stay as
    zombies.
    """
    try:
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass  # optional: elsewhere init reaps them


def _unheard(number: int, frame: Any) -> None:
    """The wake-up descriptor is all that is needed; SIG_IGN would be inherited by the app's child
    processes.
    """
