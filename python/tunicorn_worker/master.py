"""What the forkserver does as gunicorn's master would: it makes the hooks' `server`, calls the hooks of the
server's life and, with --preload, loads the application.
"""

from __future__ import annotations

import importlib
import os
import sys

from . import loader
from .boot_error import BootError
from .cfg import Cfg
from .hooks import Hooks, Server
from .tracebacks import summary, trimmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .config_file import Evaluation
    from .control import Message, Settings
    from .hooks import Worker
    from .logs import ErrorLog


class Application:
    """gunicorn's object of that name, as hooks use it: `wsgi` loads what is served, once. When that is before the fork, it is
    preloaded.
    """

    def __init__(self, cfg: Cfg, settings: Settings) -> None:
        self.cfg = cfg
        self._settings = settings
        #: The application and its interface.
        self.loaded: tuple[Any, str] | None = None

    @property
    def callable(self) -> Any:
        return self.loaded[0] if self.loaded is not None else None

    def wsgi(self) -> Any:
        """Raises BootError."""
        self.loaded = self.loaded or load_app(self._settings)
        return self.loaded[0]

    load = wsgi


def make_hooks(evaluation: Evaluation | None, message: Message, settings: Settings, log: ErrorLog) -> Hooks:
    """`message`: the arbiter's `configure`, whose calls are made. Without a configuration file there are no hooks to
    call. Raises BootError.
    """
    from .config_file import Evaluation as Nothing

    evaluation = evaluation or Nothing()
    cfg = Cfg({**message.get("cfg", {}), **_originals(evaluation)}, evaluation.hooks)
    arbiter = message.get("arbiter", {})
    pid, workers = int(arbiter.get("pid", os.getppid())), int(arbiter.get("workers", 1))
    hooks = Hooks(evaluation.hooks, Server(cfg, log.logger, message.get("listeners", []), pid, workers))
    hooks.server.app = Application(cfg, settings)
    if settings.logger_class:
        use_logger_class(hooks, settings, log)
    for call_of_start in message.get("calls", []):
        call_first(hooks, call_of_start)
    return hooks


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
        raise BootError("config", reason, "", trimmed(error)) from error


def use_logger_class(hooks: Hooks, settings: Settings, log: ErrorLog) -> None:
    """--logger-class: an instance sets up `gunicorn.error` and is `log` for hooks. It is told once why it cannot."""
    wanted = hooks.server.cfg.logger_class
    try:
        kind = wanted if isinstance(wanted, type) else _class(settings.logger_class)
        logger = log.set_up_by(lambda: kind(hooks.server.cfg))
    except Exception as error:
        log.take()
        if not hooks.server.is_forked:
            hint = f"; is gunicorn installed for {sys.executable}?" if _misses_gunicorn(error) else ""
            log.logger.warning(
                "The logger class %s cannot be used, the server's own form is: %s%s",
                settings.logger_class,
                summary(error),
                hint,
            )
        return
    hooks.server.log = logger
    if not hooks.server.is_forked and _judges_access(kind):
        log.logger.warning(
            "The method access of the logger class %s is not called: the front writes the access log, see"
            " --access-logformat, --access-log-json and --health",
            settings.logger_class,
        )


def _judges_access(kind: type) -> bool:
    """It, or what it derives from beside gunicorn's own classes, says what an access line is."""
    own = [base for base in kind.__mro__ if base.__module__.split(".")[0] not in ("gunicorn", "builtins")]
    return any(name in vars(base) for base in own for name in ("access", "atoms"))


def _class(dotted: str) -> Any:
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _misses_gunicorn(error: Exception) -> bool:
    return isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == "gunicorn"


def call_post_fork(hooks: Hooks, worker: Worker, settings: Settings, log: ErrorLog) -> None:
    """In the worker, before anything of the application is there. Raises BootError."""
    worker.pid = os.getpid()
    worker.ppid = os.getppid()
    hooks.server.is_forked = True
    hooks.server.log = log.logger
    if settings.logger_class:
        use_logger_class(hooks, settings, log)
    worker.log = hooks.server.log
    try:
        hooks.must("post_fork", hooks.server, worker)
    except BaseException as error:
        reason = f"the hook post_fork failed: {summary(error)}"
        raise BootError("post_fork", reason, "", trimmed(error)) from error


def load_app(settings: Settings) -> tuple[Any, str]:
    """In the application's folder. Raises BootError."""
    if settings.umask >= 0:
        os.umask(settings.umask)
    sys.argv[:] = [sys.argv[0]]
    app, interface = loader.load_app(settings, lambda step: None)
    if interface == "asgi":
        from . import asgi_worker  # noqa: F401  shared as well
    return app, interface


def warn_of_unshareable(sockets_before: list[int], log: ErrorLog) -> None:
    """Before gc.freeze, which hides objects, and before the first fork."""
    from . import preload

    found = preload.unshareable(sockets_before)
    if found:
        log.logger.warning(
            "Workers will be forked from a process that has what only one process may use: %s. Make them in"
            " the workers (the hook post_fork, or at the first request)",
            found,
        )
