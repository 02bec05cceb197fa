"""The worker's error log: logger `gunicorn.error`, gunicorn's line form or one JSON object a line, on
stderr or in a file.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

    from .control import Settings

_LINE = "[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s"
_DATE = "%Y-%m-%d %H:%M:%S %z"
TRACE = 5


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
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


class ErrorLog:
    """The open log. `stream` is environ's wsgi.errors as well, so what an app writes there lands beside our
    lines.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = settings.error_log
        self.stream = self._open()
        self._handler = logging.StreamHandler(self.stream)
        self._handler.setFormatter(JsonFormatter() if settings.log_json else logging.Formatter(_LINE, _DATE))
        self.logger = logging.getLogger("gunicorn.error")
        self.logger.handlers[:] = [self._handler]
        self.logger.propagate = False
        self.logger.setLevel(_level(settings.log_level))

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

    def _open(self) -> IO[str]:
        if self._path != "-":
            return open(self._path, "a", buffering=1, encoding="utf-8", errors="backslashreplace")
        if hasattr(sys.stderr, "reconfigure"):
            sys.stderr.reconfigure(line_buffering=True)  # before Python 3.9 only terminals had it
        return sys.stderr


def _level(name: str) -> int | str:
    return TRACE if name == "trace" else name.upper()
