"""Tracebacks as users want them: without the frames of this package and of the import machinery."""

from __future__ import annotations

import logging
import os
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
_IMPORT_MACHINERY = ("<frozen importlib", "<builtin>/frozen importlib")


def trimmed(error: BaseException) -> str:
    """The traceback of `error` and of what it came from, without a newline at its end."""
    report = traceback.TracebackException(type(error), error, error.__traceback__)
    _trim(report, 8)
    return "".join(report.format()).rstrip("\n")


def log_exception(log: Any, message: str, *arguments: Any, error: BaseException) -> None:
    """As Logger.exception: handlers find `exc_info`, and statsd counts an exception. The text is the short traceback.

    The log that hooks have may be of gunicorn's kind (--logger-class), which is no logging.Logger: it is told an error.
    """
    if not isinstance(log, logging.Logger):
        log.error(f"{message}\n%s", *arguments, trimmed(error))
        return
    if not log.isEnabledFor(logging.ERROR):
        return
    found = (type(error), error, error.__traceback__)
    record = log.makeRecord(log.name, logging.ERROR, __file__, 0, message, arguments, found)
    record.exc_text = trimmed(error)  # a Formatter takes it as it is
    log.handle(record)


def summary(error: BaseException) -> str:
    """One line: type and message."""
    lines = traceback.format_exception_only(type(error), error)
    return " ".join(lines[-1].split())[:500] if lines else type(error).__name__


def _trim(report: traceback.TracebackException | None, depth: int) -> None:
    if report is None or depth == 0:
        return
    report.stack[:] = [frame for frame in report.stack if not is_hidden(frame.filename)]
    _trim(report.__cause__, depth - 1)
    _trim(report.__context__, depth - 1)


def is_hidden(filename: str) -> bool:
    folder = os.path.dirname(os.__file__)
    is_importlib = filename.startswith(os.path.join(folder, "importlib"))
    return is_importlib or filename.startswith(_OWN_FOLDER) or filename.startswith(_IMPORT_MACHINERY)
