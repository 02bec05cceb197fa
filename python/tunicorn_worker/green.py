"""Libraries that put greenlets in the place of Python's sockets and threads ("monkey patching"). A worker waits for the
front and for the arbiter with the real ones, on threads of its own; such an application has to be told apart, because it
would hang or fail in ways that nobody understands.
"""

from __future__ import annotations

import sys

from .boot_error import BootError

HINT = (
    "leave the patching out where tunicorn serves: slow clients never hold a worker here, and --threads N lets N requests "
    "wait for databases and other servers at a time"
)


def refuse_green_libraries(cause: BaseException | None = None) -> None:
    """Raises BootError where one has replaced sockets or threads."""
    for name, is_active in (("gevent", _is_gevent_active), ("eventlet", _is_eventlet_active)):
        if is_active():
            message = f"the application has {name} replace Python's sockets or threads; {name} workers do not exist here"
            raise BootError("import", message, HINT) from cause


def _is_gevent_active() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and any(map(monkey.is_module_patched, ("socket", "threading")))


def _is_eventlet_active() -> bool:
    patcher = sys.modules.get("eventlet.patcher")
    return patcher is not None and any(map(patcher.is_monkey_patched, ("socket", "thread")))
