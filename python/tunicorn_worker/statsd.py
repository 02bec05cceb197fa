"""What the application's processes say to statsd: how many warnings and errors they log, as gunicorn counts them, and
metrics that come as the `extra` of a log call. The server's fronts and its arbiter send all else.
"""

from __future__ import annotations

import logging
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

_LEVELS = {logging.CRITICAL: "critical", logging.ERROR: "error", logging.WARNING: "warning"}
#: gunicorn's `mtype`, and statsd's.
_TYPES = {"gauge": "g", "counter": "c", "histogram": "h", "timer": "ms"}


class LineCounter(logging.Filter):
    """A filter of loggers, since it stays where a user's configuration exchanges handlers. It passes what has words."""

    def __init__(self, target: Dict[str, Any]) -> None:
        """`target`: the setting `statsd`."""
        super().__init__()
        self._prefix: str = target.get("prefix", "")
        self._tail = f"|#{target['tags']}" if target.get("tags") else ""
        self._target = target
        self._socket: socket.socket | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        name = _LEVELS.get(record.levelno)
        if name == "error" and record.exc_info:
            name = "exception"
        if name is not None:
            self._send(f"gunicorn.log.{name}:1|c")
        metric, value = getattr(record, "metric", None), getattr(record, "value", None)
        kind = _TYPES.get(getattr(record, "mtype", ""))
        if metric and value is not None and kind is not None:
            self._send(f"{metric}:{value}|{kind}")
        return bool(record.msg)

    def _send(self, line: str) -> None:
        """What cannot be sent at once is lost, as metrics may be."""
        try:
            self._socket = self._socket or _connected(self._target)
            self._socket.send(f"{self._prefix}{line}{self._tail}".encode())
        except OSError:
            if self._socket is not None:
                self._socket.close()
            self._socket = None


def _connected(target: Dict[str, Any]) -> socket.socket:
    if target["kind"] == "unix":
        family, address = socket.AF_UNIX, target["path"]
    else:
        family, _, _, _, address = socket.getaddrinfo(target["host"], target["port"], type=socket.SOCK_DGRAM)[
            0
        ]
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock
