"""A worker's life, from the fork to its exit code: say hello, load the app, be attached, run requests,
leave.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
from time import perf_counter

from . import inheritance, loader, logs
from .boot_error import BootError
from .control_thread import HEARD, Channel, ControlThread, connect
from .identity import be_the_first_to_go, become_user
from .threads import Pool
from .title import set_title
from .wsgi import WsgiRunner

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any

    from .control import Settings
    from .development import Developer
    from .job import Job
    from .threads import Link

EXIT_OK = 0
EXIT_NO_ARBITER = 1
#: Those of a terminal's job control mean nothing to who has none: an order for the arbiter must not stop it.
HEARD_IN_BACKGROUND = ("SIGTTIN", "SIGTTOU")
#: The forkserver's own business.
RESET = ("SIGCHLD", "SIGWINCH")


def preload(settings: Settings) -> None:
    """In the forkserver: what all workers will need, so that they share its pages."""
    if settings.worker_class == "asgi":
        from . import asgi_worker  # noqa: F401


def run(job: Job) -> int:
    become_worker(job)
    log = logs.ErrorLog(job.settings)
    try:
        channel = Channel(connect(job.address))
    except OSError as error:
        log.logger.critical("Cannot connect to the arbiter at %s: %s", job.address, error)
        return EXIT_NO_ARBITER
    control = ControlThread(job, channel, log.logger, log.reopen)
    control.start()
    if job.hooks is not None and job.hooks.has("worker_abort"):
        signal.signal(signal.SIGABRT, control.on_abort)
    # On top of that: where C code holds the interpreter, only this can show stacks.
    faulthandler.enable(log.stream, all_threads=True)
    channel.send(
        {"type": "hello", "token": job.token, "pid": os.getpid(), "nr": job.nr, "generation": job.generation}
    )
    worker = Worker(job, channel, control, log)
    try:
        return worker.live()
    except BootError as error:
        if worker.developer is not None:
            worker.developer.tell_boot_failure(error)
        return _boot_failed(channel, error)
    finally:
        if job.hooks is not None and job.worker is not None:
            job.worker.nr = max(job.worker.nr, control.requests)
            job.hooks.exited(job.worker)


class Worker:
    """The steps of booting, and what runs after them."""

    #: Of a worker that is known to be an asgi one before the app is.
    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, job: Job, channel: Channel, control: ControlThread, log: logs.ErrorLog) -> None:
        self.settings = job.settings
        self.control = control
        self.log = log
        self._job = job
        self._channel = channel
        self._began = perf_counter()
        self.developer = _developer(job, channel)

    def live(self) -> int:
        """The exit code. Raises BootError."""
        self.step("interpreter")
        if self.settings.worker_class == "asgi":
            self._loop_first()
        self._call_post_fork()
        be_the_first_to_go()
        become_user(self.settings)
        app, interface = self._job.app or self._loaded_by_hook() or self._load()
        if self.developer is not None:
            app = self.developer.complete(app)
        app = self._observed(self._hooked(app, interface), interface)
        if interface == "asgi":
            from . import asgi_worker  # asyncio only where it is needed

            return asgi_worker.serve(self, app)
        return self._serve_wsgi(app)

    def _load(self) -> tuple[Any, str]:
        self.step("chdir")
        loader.enter(self.settings)
        self.log.configure()
        loaded = loader.load_app(self.settings, self.step)
        # What the app consists of stays: the collector need not look at it again and again.
        gc.collect()
        if hasattr(gc, "freeze"):  # PyPy has none
            gc.freeze()
        return loaded

    def _loaded_by_hook(self) -> tuple[Any, str] | None:
        worker = self._job.worker
        return worker.app.loaded if worker is not None and worker.app is not None else None

    def _call_post_fork(self) -> None:
        hooks, worker = self._job.hooks, self._job.worker
        if hooks is not None and worker is not None:
            from . import master

            self.step("post_fork")
            master.call_post_fork(hooks, worker, self.settings, self.log)

    def _hooked(self, app: Any, interface: str) -> Any:
        """The hooks that come with a loaded application."""
        hooks, worker = self._job.hooks, self._job.worker
        if hooks is None or worker is None:
            return app
        worker.wsgi = app
        if worker.app is not None:
            worker.app.loaded = (app, interface)
        worker.booted = True
        hooks.call("post_worker_init", worker)
        return hooks.around_requests(app, worker, interface == "asgi")

    def _observed(self, app: Any, interface: str) -> Any:
        return app if self.developer is None else self.developer.around(app, interface == "asgi")

    def _loop_first(self) -> None:
        """Apps may ask for the current event loop while they are imported."""
        from .event_loop import new_loop

        self.loop = new_loop(self.settings.loop)

    def _serve_wsgi(self, app: Any) -> int:
        settings, log = self.settings, self.log
        is_threaded = settings.worker_class == "gthread"
        pool = Pool(max(1, settings.threads if is_threaded else 1), self._on_link_end)
        self.control.serve(pool)
        self.ready(pool.interface, len(pool.slots))
        pool.serve(WsgiRunner(app, settings, log.logger, log.stream, self.retire).run)
        return EXIT_OK

    def _on_link_end(self, link: Link) -> None:
        if link.session.error:
            self.log.logger.error("The link to the front broke the protocol: %s", link.session.error)

    # -- what the arbiter is told

    def step(self, name: str) -> None:
        self._channel.send({"type": "step", "step": name})

    def ready(self, interface: str, slots: int) -> None:
        if self._job.app is not None and self.settings.log_level in ("debug", "trace"):
            from .preload import memory_text

            self.log.logger.debug("Memory after the fork: %s", memory_text())
        import_ms = int((perf_counter() - self._began) * 1000)
        self._channel.send({"type": "ready", "interface": interface, "slots": slots, "importMs": import_ms})
        if self.developer is not None:
            self.developer.tell_modules()

    def retire(self, cause: str) -> None:
        self._channel.send({"type": "retire", "cause": cause})


def _developer(job: Job, channel: Channel) -> Developer | None:
    if not job.settings.development:
        return None
    from .development import Developer, distrust_fresh_bytecode  # never in production

    distrust_fresh_bytecode()
    return Developer(channel.send)


def _boot_failed(channel: Channel, error: BootError) -> int:
    channel.send(
        {
            "type": "boot-failed",
            "step": error.step,
            "message": error.message,
            "traceback": error.traceback,
            "hint": error.hint,
            "exitCode": error.exit_code,
        }
    )
    return error.exit_code


def become_worker(job: Job) -> None:
    """What the fork left of the forkserver goes; an own process group, so that the app's children can be
    ended with it.
    """
    # Not at a terminal: a debugger in the worker must be able to read from it.
    if not os.isatty(0):
        os.setpgid(0, 0)
        inheritance.handle(HEARD_IN_BACKGROUND, _unheard)
    for name in RESET:
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    inheritance.handle(HEARD, _unheard)
    signal.set_wakeup_fd(-1)
    if job.settings.umask >= 0:
        os.umask(job.settings.umask)
    sys.argv[:] = [sys.argv[0]]
    set_title("worker", job.settings.proc_name)


def _unheard(number: int, frame: Any | None) -> None:
    """Not SIG_IGN, which the app's own child processes would inherit."""
