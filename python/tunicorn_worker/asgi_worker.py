"""A worker that runs an ASGI app: an event loop, lifespan.startup before it is ready, lifespan.shutdown when it ends."""

from __future__ import annotations

import asyncio
import signal

from . import inheritance
from .aio import AsyncPool
from .boot_error import BootError
from .control_thread import HEARD
from .event_loop import new_loop
from .lifespan import Lifespan, LifespanFailed
from .tracebacks import trimmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .cycle import App
    from .worker import Worker

EXIT_OK = 0
#: How long (seconds) the rest of the process may take to end: asynchronous generators, threads, atexit.
END_SECONDS = 2.0


def serve(worker: Worker, app: App) -> int:
    """The exit code. Raises BootError."""
    loop = _current_loop(worker)
    pool = AsyncPool(loop, worker.settings, worker.log.logger_of_asgi, worker.retire)
    pool.wake_watch = worker.control.wake
    _pass_signals_on(worker)
    try:
        lifespan = loop.run_until_complete(_start(worker, app, pool))
        worker.control.serve(pool)
        worker.ready(pool.interface, len(pool.slots))
        loop.run_until_complete(pool.serve(app, lifespan))
        worker.control.end_within(END_SECONDS)
        loop.run_until_complete(_finish_generators(loop))
    finally:
        asyncio.set_event_loop(None)
    return EXIT_OK


def _current_loop(worker: Worker) -> asyncio.AbstractEventLoop:
    """The one that was the current one while the app was imported; asyncio.run there leaves none behind."""
    loop = worker.loop
    if loop is None or loop.is_closed():
        return new_loop(worker.settings.loop)
    asyncio.set_event_loop(loop)
    return loop


def _pass_signals_on(worker: Worker) -> None:
    """uvloop takes signal.set_wakeup_fd for itself: the control thread hears of signals by their handlers."""
    signal.set_wakeup_fd(-1)
    inheritance.handle(HEARD, lambda number, _: worker.control.wake(number))


async def _start(worker: Worker, app: App, pool: AsyncPool) -> Lifespan:
    settings = worker.settings
    lifespan = Lifespan(app, settings.lifespan, pool.log)
    if settings.lifespan == "off":
        return lifespan
    worker.step("lifespan")
    try:
        await lifespan.startup(settings.lifespan_timeout_ms / 1000 or None)
    except LifespanFailed as error:
        raise _boot_error(error) from error
    return lifespan


def _boot_error(error: LifespanFailed) -> BootError:
    """An app may have put its whole traceback into startup.failed, as Starlette does."""
    message = str(error).strip().rpartition("\n")[2]
    cause = error.__cause__
    text = trimmed(cause) if cause is not None else str(error) if "\n" in str(error) else ""
    return BootError("lifespan", f"lifespan startup failed: {message[:500]}", "", text)


async def _finish_generators(loop: asyncio.AbstractEventLoop) -> Any:
    try:
        await asyncio.wait_for(loop.shutdown_asyncgens(), END_SECONDS / 2)
    except asyncio.TimeoutError:
        pass  # the process ends anyway
