"""The worker's error log: loggers `gunicorn.error` and `uvicorn.error`, gunicorn's line form or one JSON object a line,
on stderr or in a file; or whatever the user's logging configuration says of them.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time

from .boot_error import BootError
from .tracebacks import summary, trimmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Iterable

    from .control import Settings

_LINE = "[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s"
_DATE = "%Y-%m-%d %H:%M:%S %z"
TRACE = 5
#: Whose lines go to the error log. uvicorn.error is below uvicorn; uvicorn.access stays silent: the front has that log.
OWN_LOGGERS = ("gunicorn.error", "uvicorn")


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
        self._settings = settings
        self.logger = logging.getLogger("gunicorn.error")
        #: What uvicorn's users look for.
        self.logger_of_asgi = logging.getLogger("uvicorn.error")
        self._take(OWN_LOGGERS)
        access = logging.getLogger("uvicorn.access")
        access.propagate = False
        access.addHandler(logging.NullHandler())

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
        path = self._settings.log_config
        if not path:
            return
        for name in OWN_LOGGERS:
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.propagate = True
        try:
            apply_config(path)
        except Exception as error:
            self._take(OWN_LOGGERS)
            reason = f"the logging configuration {path} cannot be applied: {summary(error)}"
            raise BootError("interpreter", reason, "", trimmed(error)) from error
        for name in (*OWN_LOGGERS, "uvicorn.error"):
            logging.getLogger(name).disabled = False
        self._take(name for name in OWN_LOGGERS if not logging.getLogger(name).hasHandlers())

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


def apply_config(path: str) -> None:
    """As uvicorn: .json and .yaml hold logging.config's dictionary, anything else is its .ini form."""
    import logging.config

    if path.endswith(".json"):
        with open(path, encoding="utf-8") as file:
            logging.config.dictConfig(json.load(file))
    elif path.endswith((".yaml", ".yml")):
        try:
            import yaml  # type: ignore[import-untyped, import-not-found, unused-ignore]
        except ImportError:
            raise ImportError("PyYAML is not installed for this Python") from None
        with open(path, encoding="utf-8") as file:
            logging.config.dictConfig(yaml.safe_load(file))
    elif not os.path.isfile(path):
        raise FileNotFoundError(path)  # fileConfig takes a missing file for an empty one before Python 3.12
    else:
        logging.config.fileConfig(path, disable_existing_loggers=False)
