"""--preload: the application is imported once, in the forkserver, and its memory is shared by all workers.
What only one process may use must not be shared: it is looked for before the first fork.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable

NAMES_SHOWN_MAX = 8


def open_sockets() -> dict[int, str]:
    """Descriptor → what it is connected or bound to, of all sockets of this process. Linux; empty elsewhere."""
    found = {}
    for number in _descriptors():
        try:
            if os.readlink(f"/proc/self/fd/{number}").startswith("socket:"):
                found[number] = _describe(number)
        except OSError:
            continue  # closed meanwhile: the listing's own descriptor is one
    return found


def _descriptors() -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir("/proc/self/fd"))
    except OSError:
        return []


def _describe(number: int) -> str:
    with socket.socket(fileno=os.dup(number)) as sock:
        for ask in (sock.getpeername, sock.getsockname):
            try:
                address = ask()
            except OSError:
                continue
            if isinstance(address, tuple):
                return f"{address[0]}:{address[1]}"
            if address:
                return address.decode("utf-8", "replace") if isinstance(address, bytes) else str(address)
    return f"descriptor {number}"


def threads_beside_main() -> list[str]:
    """Python's threads, and those that only the kernel knows (Linux)."""
    known = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    unknown = _kernel_threads() - 1 - len(known)
    return known + ([f"{unknown} of native code"] if unknown > 0 else [])


def _kernel_threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 0


def event_loops() -> list[str]:
    """Loops that were made and not closed: their epoll descriptor would be shared."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return []
    kind = asyncio.AbstractEventLoop
    loops = [item for item in gc.get_objects() if isinstance(item, kind)]
    return [type(loop).__name__ for loop in loops if not loop.is_closed()]


def unshareable(sockets_before: Iterable[int]) -> str:
    """One line that names what only one process may use; "" when there is nothing."""
    before = set(sockets_before)
    kinds = {
        "threads": threads_beside_main(),
        "event loops": event_loops(),
        "sockets": [name for number, name in open_sockets().items() if number not in before],
    }
    parts = [f"{kind}: {_listing(names)}" for kind, names in kinds.items() if names]
    return "; ".join(parts)


def _listing(names: list[str]) -> str:
    more = ", …" if len(names) > NAMES_SHOWN_MAX else ""
    return ", ".join(names[:NAMES_SHOWN_MAX]) + more


def memory_text() -> str:
    """Resident memory of this process, and how much of it others have too; "" where it is unknown."""
    try:
        with open("/proc/self/smaps_rollup", encoding="ascii") as file:
            rows = (line.split() for line in file)
            sizes = {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) == 3 and row[2] == "kB"}
    except (OSError, ValueError):
        return ""
    shared = sizes.get("Shared_Clean", 0) + sizes.get("Shared_Dirty", 0)
    return f"{sizes.get('Rss', 0)} KiB resident, {shared} KiB of them shared, {sizes.get('Pss', 0)} KiB its share"
