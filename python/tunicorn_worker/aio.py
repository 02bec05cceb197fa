"""The event loop that runs an ASGI app, as the control thread sees it: threads.Pool's twin.

    serving ──stop──► finishing what runs ──the grace is over──► cancelling ──► lifespan.shutdown ──► end
       └──quick stop──────────────────────────────────────────────►──┘ (no lifespan.shutdown)

The control thread calls attach, detach, stop, call and what is asked of it; everything else happens on the loop.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from .async_link import AsyncLink
from .loop_watch import LoopWatch
from .stacks import bounded, main_stack, task_stacks, thread_stacks
from .wire import WS_MESSAGE_COST

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    import socket
    from typing import Any, Awaitable, Callable, Dict, Optional, Set

    from .control import Settings
    from .cycle import App
    from .lifespan import Lifespan

#: How long (seconds) a cancelled task may take to end; then the process ends without it.
CANCEL_SECONDS = 1.0
QUICK_CANCEL_SECONDS = 0.25
#: What lifespan.shutdown has at a quick stop: uvicorn's users end their server with Ctrl-C.
QUICK_SHUTDOWN_SECONDS = 1.0
#: How many of the tasks that did not end are named in the log.
NAMED_MAX = 5


class AsyncPool:
    interface = "asgi"
    #: Asks the control thread to call `watch.wake`; set once that runs.
    wake_watch: Callable[[], None] = staticmethod(lambda: None)

    #: From a quick stop to os._exit; the arbiter kills after two.
    quick_seconds = 1.5

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: Settings,
        log: logging.Logger,
        retire: Callable[[str], None],
    ) -> None:
        """`retire(cause)` asks the arbiter for a successor: the app wanted this process to end."""
        self.loop = loop
        self.log = log
        self.retire = retire
        self.slots = range(max(1, settings.worker_connections))
        self.disconnect_grace = settings.asgi_disconnect_grace_ms / 1000
        #: WebSocket credit is given back in quarters of the front's window.
        self.credit_step = max(1, settings.ws_max_queue * WS_MESSAGE_COST // 4)
        self.app: App = _no_app
        self.state: Dict[str, Any] = {}
        self.requests = 0
        self.is_stopping = False
        self.watch = LoopWatch(settings.loop_blocked_ms / 1000, self.call, main_stack, monotonic, log)
        self._shutdown_seconds = settings.lifespan_shutdown_timeout_ms / 1000
        self._is_quick = False
        self._deadline = 0.0
        self._link: Optional[AsyncLink] = None
        #: Open links, and closed ones whose requests still run.
        self._links: Set[AsyncLink] = set()
        self._changed: asyncio.Event = asyncio.Event()

    # --- on the loop --------------------------------------------------------------------------------------------------------

    async def serve(self, app: App, lifespan: Lifespan) -> None:
        """Until the pool was stopped and nothing runs any more, or its time is over."""
        self.app = app
        self.state = lifespan.state
        await self._until(lambda: self.is_stopping, None)
        for link in list(self._links):
            link.drain()
        if not self._is_quick:
            await self._until(lambda: not self._links or self._is_quick, self._deadline - self._reserve())
        await self._cancel_all()
        left = QUICK_SHUTDOWN_SECONDS if self._is_quick else max(0.1, self._deadline - monotonic())
        await lifespan.shutdown(min(self._shutdown_seconds, left))
        await lifespan.abandon(QUICK_CANCEL_SECONDS)

    def _reserve(self) -> float:
        """What lifespan.shutdown and the cancelling keep of the grace."""
        return min(2.0, (self._deadline - monotonic()) / 4)

    async def _until(self, is_done: Callable[[], bool], deadline: Optional[float]) -> None:
        while not is_done():
            left = None if deadline is None else deadline - monotonic()
            if left is not None and left <= 0:
                return
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except asyncio.TimeoutError:
                return

    async def _cancel_all(self) -> None:
        tasks = [
            cycle.task for link in self._links for cycle in link.cycles.values() if cycle.task is not None
        ]
        names = [cycle.name() for link in self._links for cycle in link.cycles.values()]
        for link in list(self._links):
            link.close()
        if not tasks:
            return
        if not self._is_quick:
            self.log.warning(
                "Cancelling %d requests that still run: %s", len(names), ", ".join(names[:NAMED_MAX])
            )
        for task in tasks:
            task.cancel()
        _, alive = await asyncio.wait(tasks, timeout=self._cancel_seconds())
        if alive:
            self.log.error("%d cancelled requests did not end:\n%s", len(alive), task_stacks(alive).rstrip())
        for task in alive:
            # Its end is no news any more.
            task._log_destroy_pending = False  # type: ignore[attr-defined]

    def _cancel_seconds(self) -> float:
        """Half of what is left of a short grace: lifespan.shutdown needs time, and the log wants to say who went on."""
        if self._is_quick:
            return QUICK_CANCEL_SECONDS
        return min(CANCEL_SECONDS, max(0.05, (self._deadline - monotonic()) / 2))

    def note_activity(self) -> None:
        watch = self.watch
        watch.activity += 1
        if not watch.is_awake:
            self.wake_watch()

    def link_closed(self, link: AsyncLink) -> None:
        if self._link is link:
            self._link = None
        if link.error:
            self.log.error("The link to the front broke the protocol: %s", link.error)

    def link_done(self, link: AsyncLink) -> None:
        """Closed, and nothing of it runs."""
        self._links.discard(link)
        self._changed.set()

    def _use(self, link: AsyncLink, previous: Optional[AsyncLink]) -> None:
        self._links.add(link)
        if previous is not None:
            previous.close()
        link.start()
        if self.is_stopping:
            link.drain()

    # --- on the control thread ----------------------------------------------------------------------------------------------

    def call(self, function: Callable[[], Any]) -> None:
        """Runs `function` on the loop soon; nothing happens once the loop is closed."""
        try:
            self.loop.call_soon_threadsafe(function)
        except RuntimeError:
            pass  # the loop is closed: the process is about to end

    @property
    def busy(self) -> int:
        return sum(len(link.cycles) for link in list(self._links))

    def attach(self, sock: socket.socket) -> AsyncLink:
        """From now on requests come from this front."""
        link = AsyncLink(sock, self)
        previous, self._link = self._link, link
        self.call(lambda: self._use(link, previous))
        return link

    def detach(self) -> None:
        link = self._link
        if link is not None:
            self.call(link.close)

    def stop(self, quick: bool, grace: float = 30.0) -> None:
        """Graceful: what runs may end within `grace` seconds. Quick: it is cancelled."""
        if not self.is_stopping:
            self._deadline = monotonic() + grace
        self.is_stopping = True
        self._is_quick = self._is_quick or quick
        self.call(self._changed.set)

    def since_progress_ms(self) -> int:
        """For how long the loop has been asked in vain whether it runs; 0 starts asking."""
        self.watch.wake()
        return int(self.watch.blocked_seconds() * 1000)

    def stacks(self) -> str:
        tasks = task_stacks(asyncio.all_tasks(self.loop))
        return bounded(f"{thread_stacks()}\nThe event loop's tasks:\n{tasks}")


def _no_app(scope: Any, receive: Any, send: Any) -> Awaitable[None]:
    raise RuntimeError("the app is not loaded yet")
