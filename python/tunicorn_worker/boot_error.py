"""Why a worker cannot serve: at which step, why, what to try, and the exit code that says so."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable

#: Exit codes as gunicorn has them: the worker could not boot; the application was not found in its module.
EXIT_BOOT = 3
EXIT_APP = 4
NAMES_SHOWN_MAX = 12


class BootError(Exception):
    def __init__(
        self, step: str, message: str, hint: str = "", traceback: str = "", exit_code: int = EXIT_BOOT
    ) -> None:
        super().__init__(message)
        self.step = step
        self.message = message
        self.hint = hint
        self.traceback = traceback
        self.exit_code = exit_code

    def report(self) -> dict[str, Any]:
        """The fields of `boot-failed` (docs/control.md)."""
        return {
            "step": self.step,
            "message": self.message,
            "traceback": self.traceback,
            "hint": self.hint,
            "exitCode": self.exit_code,
        }


def listing(title: str, names: Iterable[str]) -> str:
    """A hint: what there is instead."""
    shown = list(names)
    if not shown:
        return f"{title}: none"
    more = ", …" if len(shown) > NAMES_SHOWN_MAX else ""
    return f"{title}: {', '.join(shown[:NAMES_SHOWN_MAX])}{more}"


def suggestion(name: str, names: list[str]) -> str:
    import difflib  # failures only

    close = difflib.get_close_matches(name, names, 1)
    return f"did you mean {close[0]}? " if close else ""
