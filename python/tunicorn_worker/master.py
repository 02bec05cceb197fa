"""What the forkserver does as gunicorn's master would: it makes the hooks' `server`, calls the hooks of the
server's life and, with --preload, loads the application.
"""

from __future__ import annotations

import os
import sys

from . import loader
from .boot_error import BootError
from .cfg import Cfg
from .hooks import Hooks, Server
from .tracebacks import summary, trimmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Any

    from .config_file import Evaluation
    from .control import Message, Settings
    from .hooks import Worker
    from .logs import ErrorLog

#: gunicorn's, for what fails before any worker exists: a preload that fails, for one.
EXIT_MASTER = 1


def make_hooks(evaluation: Evaluation, message: Message, log: ErrorLog) -> Hooks:
    """`message`: the arbiter's `configure`."""
    cfg = Cfg({**message.get("cfg", {}), **_originals(evaluation)}, evaluation.hooks)
    arbiter = message.get("arbiter", {})
    server = Server(
        cfg,
        log.logger,
        message.get("listeners", []),
        int(arbiter.get("pid", os.getppid())),
        int(arbiter.get("workers", 1)),
    )
    return Hooks(evaluation.hooks, server)


def _originals(evaluation: Evaluation) -> dict[str, Any]:
    """Objects that did not fit into JSON."""
    names = ("logconfig_dict", "logger_class")
    return {name: evaluation.namespace[name] for name in names if name in evaluation.namespace}


def call(hooks: Hooks, message: Message) -> None:
    """One that the arbiter asks for."""
    name, values = str(message["name"]), message.get("values", [])
    if name == "nworkers_changed":
        hooks.server.num_workers = values[0]
    hooks.call(name, hooks.server, *values)


def call_first(hooks: Hooks, message: Message) -> None:
    """One of the start: a server whose on_starting fails does not start. Raises BootError."""
    name = str(message["name"])
    try:
        hooks.must(name, hooks.server, *message.get("values", []))
    except BaseException as error:
        reason = f"the hook {name} failed: {summary(error)}"
        raise BootError("config", reason, "", trimmed(error), EXIT_MASTER) from error


def call_post_fork(hooks: Hooks, worker: Worker, log: logging.Logger) -> None:
    """In the worker, before anything of the application is there. Raises BootError."""
    worker.pid = os.getpid()
    worker.ppid = os.getppid()
    worker.log = hooks.server.log = log
    try:
        hooks.must("post_fork", hooks.server, worker)
    except BaseException as error:
        reason = f"the hook post_fork failed: {summary(error)}"
        raise BootError("post_fork", reason, "", trimmed(error)) from error


def load_app(settings: Settings, log: ErrorLog) -> tuple[Any, str]:
    """Raises BootError."""
    if settings.umask >= 0:
        os.umask(settings.umask)
    sys.argv[:] = [sys.argv[0]]
    try:
        loader.enter(settings)
        log.configure()
        app, interface = loader.load_app(settings, lambda step: None)
    except BootError as error:
        error.exit_code = EXIT_MASTER
        raise
    if interface == "asgi":
        from . import asgi_worker  # noqa: F401  shared as well
    return app, interface
