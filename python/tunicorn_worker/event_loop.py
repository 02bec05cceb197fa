"""Which event loop an asgi worker runs: `auto` (uvloop where it is installed), `asyncio`, `uvloop`, or `module:factory`."""

from __future__ import annotations

import asyncio
import importlib

from .boot_error import BootError
from .tracebacks import summary, trimmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    Loop = asyncio.AbstractEventLoop


def new_loop(name: str) -> Loop:
    """A new loop, the current one of this thread. Raises BootError."""
    factory = _factory(name)
    try:
        loop = factory()
    except Exception as error:
        raise BootError(
            "interpreter", f"the event loop {name} failed: {summary(error)}", "", trimmed(error)
        ) from error
    if not isinstance(loop, asyncio.AbstractEventLoop):
        raise BootError("interpreter", f"{name} made {type(loop).__name__}, which is no event loop")
    asyncio.set_event_loop(loop)
    return loop


def _factory(name: str) -> Callable[[], Loop]:
    if name == "asyncio":
        return asyncio.new_event_loop
    if name in ("auto", "uvloop"):
        return _uvloop(is_needed=name == "uvloop")
    module, _, attribute = name.partition(":")
    try:
        found = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise BootError(
            "interpreter", f"there is no event loop {name}: {summary(error)}", "give it as module:factory"
        ) from error
    return found  # type: ignore[return-value]


def _uvloop(is_needed: bool) -> Callable[[], Loop]:
    try:
        import uvloop  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        if is_needed:
            raise BootError(
                "interpreter", "uvloop is not installed", "pip install uvloop, or --loop auto"
            ) from error
        return asyncio.new_event_loop
    factory: Callable[[], Loop] = uvloop.new_event_loop
    return factory
