"""What a process that the application forks (multiprocessing, os.fork) must not have of ours: the sockets, whose other
ends would not hear of this process's end while such a child lives, and the signals, which its child's wake-up
descriptor would tell to us. What is started by exec is no concern: it inherits neither.
"""

from __future__ import annotations

import os
import signal
import weakref
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any, Callable, Iterable

EXIT_ASTRAY = 70
#: They close by themselves: nobody has to take them out.
_sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
_handlers: dict[int, Callable[[int, Any], object]] = {}
#: Of threads that fork right now.
_masks: dict[int, Any] = {}
_is_forking = False
_owner = 0


def withhold(sock: socket.socket) -> socket.socket:
    """From now on children do not inherit it."""
    _sockets.add(sock)
    return sock


def handle(names: Iterable[str], handler: Callable[[int, Any], object]) -> None:
    """signal.signal for all of `names`; in children the application's choice or the default holds."""
    for name in names:
        number = getattr(signal, name)
        _handlers[number] = handler
        signal.signal(number, handler)


def watch() -> None:
    """Once in the life of a forkserver; its workers inherit it."""
    global _owner
    _owner = os.getpid()
    os.register_at_fork(before=_hold_signals, after_in_parent=_release_signals, after_in_child=_cut_off)


def fork_worker() -> int:
    """os.fork for a child that is one of ours."""
    global _is_forking, _owner
    _is_forking = True
    try:
        pid = os.fork()
    finally:
        _is_forking = False
    if pid == 0:
        _owner = os.getpid()
    return pid


def end_if_child() -> None:
    """For places that only this process may come to: a child that the application let return there has no work here."""
    if _owner and os.getpid() != _owner:
        os._exit(EXIT_ASTRAY)


def _hold_signals() -> None:
    """None may reach the child before it is cut off: its wake-up descriptor is still ours."""
    if not _is_forking:
        _masks[get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, _handlers)


def _release_signals() -> None:
    mask = _masks.pop(get_ident(), None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _cut_off() -> None:
    if _is_forking:
        return
    for sock in list(_sockets):
        sock.close()
    signal.set_wakeup_fd(-1)
    for number, handler in _handlers.items():
        if signal.getsignal(number) is handler:
            default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, default)
    _release_signals()
