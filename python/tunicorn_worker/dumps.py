"""The stacks of a worker that cannot say them itself, since C code holds its interpreter: at a signal `faulthandler` writes
them without the interpreter, into a pipe that all workers have from the forkserver, which reads it.

A real-time signal (on BSD, SIGINFO): applications and libraries use the others. Without one there are no such stacks.
"""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import sys
import time

from .stacks import bounded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

#: From the signal to the first word, and to the last one.
FIRST_SECONDS = 0.5
IN_ALL_SECONDS = 1.0
#: There is no end mark: it is written in many small pieces, and over when none has come for so long.
QUIET_SECONDS = 0.05
READ_BYTES = 65_536
SIGNAL_STACK_BYTES = 262_144
_OFFSET = 11
SIGNAL: Optional[int] = (
    signal.SIGRTMIN + _OFFSET if hasattr(signal, "SIGRTMIN") else getattr(signal, "SIGINFO", None)
)
STOPPED = "The process is stopped: by SIGSTOP, a terminal or a debugger. SIGCONT has it go on.\n"


class Dumps:
    """To be made before the first fork: workers inherit the handler and the pipe, so the signal never finds one without."""

    def __init__(self) -> None:
        self._pipe: tuple[int, int] | None = None
        if SIGNAL is None or not hasattr(faulthandler, "register"):
            return
        if signal.getsignal(SIGNAL) is not signal.SIG_DFL:
            return  # the configuration file uses it
        try:
            self._pipe = os.pipe()
        except OSError:
            return
        # What nobody reads is lost: it must not hold the application up.
        for descriptor in self._pipe:
            os.set_blocking(descriptor, False)
        faulthandler.register(SIGNAL, self._pipe[1], all_threads=True, chain=False)
        _enlarge_signal_stack()

    def abandon(self) -> None:
        """In a worker: reading is the forkserver's."""
        if self._pipe is not None:
            os.close(self._pipe[0])

    def close(self) -> None:
        """Harmless when repeated."""
        if self._pipe is None or SIGNAL is None:
            return
        faulthandler.unregister(SIGNAL)
        for descriptor in self._pipe:
            os.close(descriptor)
        self._pipe = None

    def take(self, pid: int) -> str:
        """The stacks of the worker; "" when it cannot have them shown, or does not in time."""
        if _is_stopped(pid):
            return STOPPED
        if self._pipe is None or SIGNAL is None or not _hears(pid, SIGNAL):
            return ""
        self._read()  # what came too late before
        os.kill(pid, SIGNAL)
        return self._collect(self._pipe[0])

    def _collect(self, descriptor: int) -> str:
        parts: list[bytes] = []
        now = time.monotonic()
        end = now + IN_ALL_SECONDS
        until = now + FIRST_SECONDS
        while now < until and select.select([descriptor], [], [], until - now)[0]:
            parts.append(self._read())
            now = time.monotonic()
            until = min(now + QUIET_SECONDS, end)
        return bounded(b"".join(parts).decode("utf-8", "replace"))

    def _read(self) -> bytes:
        try:
            return os.read(self._pipe[0], READ_BYTES) if self._pipe is not None else b""
        except BlockingIOError:
            return b""


def _enlarge_signal_stack() -> None:
    """Linux: faulthandler's stack for signal handlers, which all of Python's use then, holds few of the processor's large
    frames: half a dozen signals that come at once ended the process. The memory is never given back, for a signal may come
    until the last moment.
    """
    if sys.platform != "linux":
        return
    try:
        import ctypes

        class Stack(ctypes.Structure):
            _fields_ = (("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))

        libc = ctypes.CDLL(None)
        libc.malloc.restype = ctypes.c_void_p
        libc.malloc.argtypes = [ctypes.c_size_t]
        memory = libc.malloc(SIGNAL_STACK_BYTES)
        if memory is not None:
            libc.sigaltstack(ctypes.byref(Stack(memory, 0, SIGNAL_STACK_BYTES)), None)
    except (ImportError, OSError, AttributeError):
        pass  # then it is as small as Python made it


def _is_stopped(pid: int) -> bool:
    """Linux; elsewhere nobody is known to be."""
    return _status(pid, "State")[:1] in ("T", "t")


def _hears(pid: int, number: int) -> bool:
    """The application may have given the signal its default action back, which is death."""
    caught = _status(pid, "SigCgt")
    return not caught or bool(int(caught, 16) >> (number - 1) & 1)


def _status(pid: int, name: str) -> str:
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith(f"{name}:")), "")
    except OSError:
        return ""
