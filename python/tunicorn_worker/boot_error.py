"""Why a worker cannot serve: at which step, why, what to try, and the exit code that says so."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Exit codes as gunicorn has them: the worker could not boot; the application was not found in its module.
EXIT_BOOT = 3
EXIT_APP = 4


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
