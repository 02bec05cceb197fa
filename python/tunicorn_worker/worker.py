"""A worker's life, from the fork to its exit code: say hello, load the app, be attached, run requests,
leave.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from time import perf_counter

from . import loader, logs
from .control_thread import INTERFACE, Channel, ControlThread, connect
from .threads import Pool
from .title import set_title
from .wsgi import WsgiRunner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .control import Job
    from .threads import Link

EXIT_OK = 0
EXIT_NO_ARBITER = 1
#: Their Python handlers do nothing: the control thread hears of them through signal.set_wakeup_fd, even
#: when the app is stuck.
HEARD = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGHUP")
#: The forkserver's own business.
RESET = ("SIGCHLD", "SIGUSR2", "SIGWINCH")


def run(job: Job) -> int:
    become_worker(job)
    log = logs.ErrorLog(job.settings)
    faulthandler.enable(log.stream, all_threads=True)
    try:
        channel = Channel(connect(job.address))
    except OSError as error:
        log.logger.critical("Cannot connect to the arbiter at %s: %s", job.address, error)
        return EXIT_NO_ARBITER
    threads = job.settings.threads if job.settings.worker_class == "gthread" else 1

    def on_link_end(link: Link) -> None:
        if link.session.error:
            log.logger.error("The link to the front broke the protocol: %s", link.session.error)

    pool = Pool(max(1, threads), on_link_end)
    ControlThread(job, channel, pool, log.logger, log.reopen).start()
    channel.send(
        {"type": "hello", "token": job.token, "pid": os.getpid(), "nr": job.nr, "generation": job.generation}
    )
    return _serve(job, channel, pool, log)


def _serve(job: Job, channel: Channel, pool: Pool, log: logs.ErrorLog) -> int:
    channel.send({"type": "step", "step": "interpreter"})
    began = perf_counter()
    try:
        app = loader.load_app(job.settings, lambda step: channel.send({"type": "step", "step": step}))
    except loader.BootError as error:
        return _boot_failed(channel, error)
    import_ms = int((perf_counter() - began) * 1000)
    channel.send({"type": "ready", "interface": INTERFACE, "slots": len(pool.slots), "importMs": import_ms})

    def retire(cause: str) -> None:
        channel.send({"type": "retire", "cause": cause})

    pool.serve(WsgiRunner(app, job.settings, log.logger, log.stream, retire).run)
    return EXIT_OK


def _boot_failed(channel: Channel, error: loader.BootError) -> int:
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
    os.setpgid(0, 0)
    for name in RESET:
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    for name in HEARD:
        signal.signal(getattr(signal, name), _unheard)
    signal.set_wakeup_fd(-1)
    if job.settings.umask >= 0:
        os.umask(job.settings.umask)
    sys.argv[:] = [sys.argv[0]]
    set_title("worker", job.settings.proc_name)


def _unheard(number: int, frame: Any | None) -> None:
    """Not SIG_IGN, which the app's own child processes would inherit."""
