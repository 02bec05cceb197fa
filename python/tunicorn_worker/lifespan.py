"""The lifespan protocol of ASGI 3: startup before the first request, shutdown after the last.

`auto`: an app that raises, or returns, at startup does not speak lifespan and is served without it; `on`: that is a failure.
"""

from __future__ import annotations

import asyncio

from .tracebacks import log_exception

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Any, Awaitable, Callable, Dict

    Message = Dict[str, Any]
    App = Callable[[Any, Any, Any], Awaitable[None]]


class LifespanFailed(Exception):
    """The app refused to start: `startup.failed`, an exception with `on`, or no answer in time."""


class Lifespan:
    """One run of the app's lifespan task.

    new ──startup()──► starting ──► started ──shutdown()──► over
                          └──────► unsupported
    """

    def __init__(self, app: App, mode: str, log: logging.Logger) -> None:
        self.state: Dict[str, Any] = {}
        self._app = app
        self._mode = mode
        self._log = log
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self._is_supported = False

    async def startup(self, timeout_s: float | None) -> None:
        """Raises LifespanFailed; the exception of the app, if any, is its cause."""
        if self._mode == "off":
            return
        self._task = asyncio.ensure_future(self._run())
        self._task.add_done_callback(self._on_end)
        self._inbox.put_nowait({"type": "lifespan.startup"})
        answer = await self._wait_for_answer("startup", timeout_s)
        if answer is None:
            self._judge_missing_answer()
        elif answer["type"] == "lifespan.startup.failed":
            raise LifespanFailed(answer.get("message") or "the app sent lifespan.startup.failed")

    async def shutdown(self, timeout_s: float) -> None:
        """Asks the app to shut down; what goes wrong is logged, since the process ends anyway."""
        if self._task is None or self._task.done():
            return
        self._answer = asyncio.get_running_loop().create_future()
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        try:
            answer = await self._wait_for_answer("shutdown", timeout_s)
        except LifespanFailed as error:
            self._log.error("%s", error)
            return
        if answer is not None and answer["type"] == "lifespan.shutdown.failed":
            self._log.error("Application shutdown failed: %s", answer.get("message", ""))

    def _on_end(self, task: asyncio.Task[None]) -> None:
        """Before startup is complete it says that lifespan is unknown; afterwards it is a fault."""
        error = None if task.cancelled() else task.exception()
        if error is not None and self._is_supported:
            log_exception(self._log, "Exception in the app's lifespan", error=error)

    async def abandon(self, timeout_s: float) -> None:
        """Without lifespan.shutdown: the process is to end now."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=timeout_s)

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._inbox.get, self._send)
        except (SystemExit, KeyboardInterrupt) as error:
            # asyncio would let it out of the loop, past everything that says what happened.
            raise LifespanFailed(f"the application raised {type(error).__name__}: {error}") from error

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind not in ANSWERS:
            raise RuntimeError(f"a lifespan app may send {', '.join(ANSWERS)}, not {kind!r}")
        if self._answer.done():
            raise RuntimeError(f"{kind!r} was sent, but this part of the lifespan is already answered")
        self._is_supported = self._is_supported or kind == "lifespan.startup.complete"
        self._answer.set_result(message)

    async def _wait_for_answer(self, part: str, timeout_s: float | None) -> Message | None:
        """None when the lifespan task ended instead of answering."""
        task = self._task
        assert task is not None
        awaited: set[asyncio.Future[Any]] = {task, self._answer}
        await asyncio.wait(awaited, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if self._answer.done():
            return self._answer.result()
        if task.done():
            return None
        task.cancel()
        raise LifespanFailed(f"lifespan {part} did not end within {timeout_s:g} seconds")

    def _error(self) -> BaseException | None:
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return self._task.exception()

    def _judge_missing_answer(self) -> None:
        error = self._error()
        if isinstance(error, LifespanFailed):
            raise error
        if self._mode == "on":
            raise LifespanFailed("the app ended its lifespan task during startup") from error
        self._log.info(
            "The app does not support lifespan events (%s); serving without them.", describe(error)
        )


ANSWERS = (
    "lifespan.startup.complete",
    "lifespan.startup.failed",
    "lifespan.shutdown.complete",
    "lifespan.shutdown.failed",
)


def describe(error: BaseException | None) -> str:
    return "it returned" if error is None else f"{type(error).__name__}: {error}"
