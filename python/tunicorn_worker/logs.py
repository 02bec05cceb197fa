"""The worker's error log: loggers `gunicorn.error` and `uvicorn.error`, gunicorn's line form or one JSON object a line,
on stderr or in a file; or whatever the user's logging configuration says of them.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import time

from .boot_error import BootError
from .tracebacks import summary, trimmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, Callable, Iterable

    from .control import Settings

_LINE = "[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s"
_DATE = "%Y-%m-%d %H:%M:%S %z"
TRACE = 5
#: Whose lines go to the error log. uvicorn.error is below uvicorn; uvicorn.access stays silent: the front has that log.
OWN_LOGGERS = ("gunicorn.error", "uvicorn")


#: As src/log/color.ts has them.
_COLORS = {
    TRACE: 34,
    logging.DEBUG: 36,
    logging.INFO: 32,
    logging.WARNING: 33,
    logging.ERROR: 31,
    logging.CRITICAL: 91,
}


class ColoredFormatter(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:
        name = record.levelname
        painted = f"[\x1b[{_COLORS.get(record.levelno, 0)}m{name}\x1b[0m]"
        return super().formatMessage(record).replace(f"[{name}]", painted, 1)


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        entry = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = record.exc_text or self.formatException(record.exc_info)
        return json.dumps(entry)


class LossyFile(io.FileIO):
    """A full disk takes lines, not the application that writes to wsgi.errors. What was lost is counted in its place."""

    _lost = 0

    def write(self, data: Any) -> int:
        try:
            if self._lost:
                super().write(b"(%d writes to this log were lost)\n" % self._lost)
                self._lost = 0
            return super().write(data) or 0
        except OSError:
            self._lost += 1
            return len(data)


class ErrorLog:
    """The open log. `stream` is environ's wsgi.errors as well, so what an app writes there lands beside our
    lines.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = settings.error_log
        self.stream = self._open()
        self._is_capturing = settings.capture_output and self._path != "-"
        if self._is_capturing:
            self._capture()
        self._handler = logging.StreamHandler(self.stream)
        self._handler.setFormatter(_formatter(settings))
        self._settings = settings
        self.logger = logging.getLogger("gunicorn.error")
        #: What uvicorn's users look for.
        self.logger_of_asgi = logging.getLogger("uvicorn.error")
        self.take()
        if settings.statsd:
            self._count_lines(settings)
        access = logging.getLogger("uvicorn.access")
        access.propagate = False
        access.addHandler(logging.NullHandler())

    def _count_lines(self, settings: Settings) -> None:
        from .statsd import LineCounter

        counter = LineCounter(settings.statsd)
        for logger in (self.logger, self.logger_of_asgi):
            logger.addFilter(counter)

    def take(self) -> None:
        """Our own loggers write to this log and nowhere else."""
        self._take(OWN_LOGGERS)

    def set_up_by(self, make: Callable[[], Any]) -> Any:
        """What `make` answers, which sets `gunicorn.error` up: a line must not be written by its handler and by ours. Where it
        gives none, or fails, ours is back.
        """
        self.logger.removeHandler(self._handler)
        try:
            return make()
        finally:
            if not self.logger.hasHandlers():
                self._take([self.logger.name])

    def _take(self, names: Iterable[str]) -> None:
        for name in names:
            logger = logging.getLogger(name)
            logger.handlers[:] = [self._handler]
            logger.propagate = False
            logger.setLevel(_level(self._settings.log_level))

    def configure(self) -> None:
        """Applies the user's logging configuration. Loggers of ours that it leaves without any handler keep theirs.
        Raises BootError.
        """
        name = self._named_config()
        if not name:
            return
        for own in OWN_LOGGERS:
            logger = logging.getLogger(own)
            logger.handlers.clear()
            logger.propagate = True
        try:
            self._apply_config()
        except Exception as error:
            self.take()
            reason = f"the logging configuration {name} cannot be applied: {summary(error)}"
            raise BootError("interpreter", reason, "", trimmed(error)) from error
        for own in (*OWN_LOGGERS, "uvicorn.error"):
            logging.getLogger(own).disabled = False
        self._take(own for own in OWN_LOGGERS if not logging.getLogger(own).hasHandlers())

    def _named_config(self) -> str:
        """The one that counts, as gunicorn has it; "" for none."""
        settings = self._settings
        if settings.log_config_dict:
            return "logconfig_dict"
        return settings.log_config_json or settings.log_config

    def _apply_config(self) -> None:
        from . import log_config

        settings = self._settings
        if settings.log_config_dict:
            log_config.apply_dict(settings.log_config_dict)
        elif settings.log_config_json:
            log_config.apply_json(settings.log_config_json)
        else:
            log_config.apply_file(settings.log_config)

    def reopen(self) -> None:
        """After the file was moved away (USR1). The stream object stays, apps may hold it: its descriptor
        is exchanged.
        """
        if self._path == "-":
            return
        self.stream.flush()
        replacement = self._open()
        os.dup2(replacement.fileno(), self.stream.fileno(), inheritable=False)
        replacement.close()
        if self._is_capturing:
            self._capture()

    def _capture(self) -> None:
        """--capture-output: what the app and its child processes print goes to the log's file."""
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor in (1, 2):
            os.dup2(self.stream.fileno(), descriptor)

    def _open(self) -> IO[str]:
        if self._path != "-":
            raw = LossyFile(self._path, "ab")
            return io.TextIOWrapper(
                io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True, write_through=True
            )
        if hasattr(sys.stderr, "reconfigure"):
            sys.stderr.reconfigure(line_buffering=True)  # before Python 3.9 only terminals had it
        return sys.stderr


def _formatter(settings: Settings) -> logging.Formatter:
    if settings.log_json:
        return JsonFormatter()
    return (ColoredFormatter if settings.log_colors else logging.Formatter)(_LINE, _DATE)


def _level(name: str) -> int | str:
    return TRACE if name == "trace" else name.upper()
