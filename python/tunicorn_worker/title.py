"""A process's name in ps and top: in full where the app's Python has `setproctitle` installed (as gunicorn does it), else what
the kernel calls it (Linux, 15 bytes): the command line is the forkserver's.
"""

from __future__ import annotations

COMM = "/proc/self/comm"


def set_title(role: str, name: str) -> None:
    """`tunicorn: worker [name]`. Nothing happens where it cannot be, which is not worth a line in the log."""
    try:
        from setproctitle import setproctitle  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        _set_comm(f"tunicorn: {role}")
        return
    setproctitle(f"tunicorn: {role} [{name}]")


def _set_comm(name: str) -> None:
    try:
        with open(COMM, "r+b", buffering=0) as file:
            file.write(name.encode())
    except OSError:
        pass  # not Linux, or /proc is read-only
