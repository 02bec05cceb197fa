"""A process's name in ps and top, where the app's Python has `setproctitle` installed (as gunicorn does it)."""

from __future__ import annotations


def set_title(role: str, name: str) -> None:
    """`tunicorn: worker [name]`. Nothing happens without the package, which is not worth a line in the log."""
    try:
        from setproctitle import setproctitle  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return
    setproctitle(f"tunicorn: {role} [{name}]")
