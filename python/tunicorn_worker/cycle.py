"""What an HTTP request and a WebSocket of an ASGI app have in common: one run of the app, waiting, and how it may end.

    waiting ──run──► running ──returns, raises, is cancelled──► ended
       └──taken back──► (never run)

No sockets here: frames go to a port, which sends together what one turn of the loop produced.
"""

from __future__ import annotations

import asyncio

from . import inheritance
from .tracebacks import log_exception
from .wire import pack_abort

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Any, Awaitable, Callable, Dict, List, Protocol

    Message = Dict[str, Any]
    App = Callable[[Any, Any, Any], Awaitable[None]]

    class Port(Protocol):
        """Where a stream's frames go, and who is told of its end."""

        log: logging.Logger
        #: Received but not started: whoever takes one out runs it, or gives it back.
        waiting: Dict[int, Any]

        def write(self, frame: bytes) -> None: ...

        async def wait_for_room(self) -> None:
            """While the front does not keep up."""

        def retire(self, cause: str) -> None:
            """The app wanted this process to end."""

        def ended(self, cycle: Cycle) -> None: ...


#: How far an exception's chain is followed.
CHAIN_MAX = 16


class ClientLeft(OSError):
    """Raised by send once the client has left (ASGI specification 2.4)."""


class Cycle:
    """The port calls `on_…`; the app calls receive and send, from any of its tasks."""

    #: The task that runs the app; None before and after.
    task: asyncio.Task[None] | None = None
    #: Cancels the task of an app that goes on after its client left.
    cutoff: asyncio.TimerHandle | None = None
    #: The stream is over on the wire: what the app does now is its own background work.
    is_answered = False
    _waiters: List[asyncio.Future[None]] | None = None

    def __init__(self, port: Port, stream: int, scope: Message) -> None:
        self.port = port
        self.stream = stream
        self.scope = scope

    async def run(self, app: App) -> None:
        """Runs the app to its end; what it does wrong ends in the log and, as far as it can be told, at the client."""
        if self.port.waiting.pop(self.stream, None) is None:
            return
        try:
            await app(self.scope, self.receive, self.send)
        except GeneratorExit:
            raise  # the loop is gone and this task was left behind: nobody is there to be told
        except asyncio.CancelledError:
            self.give_up("the app's task was cancelled")
            self._depart()
            raise
        except BaseException as error:
            self._fail(error)
        else:
            self.judge_return()
        self._depart()

    def _depart(self) -> None:
        self.task = None
        self.port.ended(self)

    def _fail(self, error: BaseException) -> None:
        if came_of_client_leaving(error):
            self.port.log.debug("The client left while the app was answering %s", self.name())
            self.give_up("the client left")
            return
        log_exception(self.port.log, "Exception in ASGI application: %s", self.name(), error=error)
        inheritance.end_if_child()
        self.give_up("the app raised")
        if not isinstance(error, Exception):
            self.port.retire(f"the application raised {type(error).__name__}")

    def name(self) -> str:
        """Method and path, for the log."""
        return f"{self.scope.get('method', 'WebSocket')} {self.scope['path']}"

    # --- of either kind -----------------------------------------------------------------------------------------------------

    async def receive(self) -> Message:
        raise NotImplementedError

    async def send(self, message: Message) -> None:
        raise NotImplementedError

    def judge_return(self) -> None:
        """The app returned: is its answer complete?"""
        raise NotImplementedError

    def give_up(self, reason: str) -> None:
        """Ends the stream as well as it can be ended; nothing when it is over."""
        raise NotImplementedError

    def on_credit(self, count: int) -> None:
        raise NotImplementedError

    def on_left(self) -> None:
        """The client left, or the front gave the stream up."""
        raise NotImplementedError

    # --- waiting ------------------------------------------------------------------------------------------------------------

    async def wait(self) -> None:
        """Until something came from the front."""
        waiter = asyncio.get_running_loop().create_future()
        if self._waiters is None:
            self._waiters = []
        self._waiters.append(waiter)
        await waiter

    def wake(self) -> None:
        waiters = self._waiters
        if waiters:
            self._waiters = None
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def abort(self, reason: str) -> None:
        self.is_answered = True
        self.port.write(pack_abort(self.stream, reason))


def came_of_client_leaving(error: BaseException | None) -> bool:
    """Frameworks wrap what send raised in exceptions of their own."""
    for _ in range(CHAIN_MAX):
        if error is None or isinstance(error, ClientLeft):
            return error is not None
        error = error.__cause__ or error.__context__
    return False
