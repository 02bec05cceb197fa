"""The vocabulary between the arbiter and its Python children (docs/control.md): JSON, one object a line.

Sans-IO: bytes and messages in, messages and bytes out. Times are milliseconds, sizes bytes unless a name
says KiB.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    Message = Dict[str, Any]

LINE_BYTES_MAX = 1_048_576


class Settings:
    """The Python side's share of the Config: `configure.settings`, each attribute under its camelCase name.

    A plain class: `dataclasses` would bring `inspect` and its tail into every worker. Unknown names are
    ignored (a newer arbiter), missing ones keep these defaults.
    """

    #: What to serve: `module:attr`, `module`, `path/to/app.py[:attr]`, `module:factory('literal', key=1)`.
    app: str = ""
    #: "auto" (by the app, once it is loaded), "sync", "gthread" or "asgi".
    worker_class: str = "sync"
    #: "auto" (by the app), "wsgi", "asgi3" or "asgi2".
    interface: str = "auto"
    #: Requests that one gthread worker runs at once; a sync worker runs 1.
    threads: int = 1
    #: Requests and WebSockets that one asgi worker runs at once: its slots.
    worker_connections: int = 1000
    #: "auto" (uvloop where it can be imported), "asyncio", "uvloop", or "module:factory" of an event loop.
    loop: str = "auto"
    #: An event loop that does not run for so long is reported with its stack; 0 never.
    loop_blocked_ms: int = 1000
    #: "auto", "on" or "off".
    lifespan: str = "auto"
    lifespan_timeout_ms: int = 120_000
    lifespan_shutdown_timeout_ms: int = 30_000
    #: From http.disconnect to the cancelling of the request's task; 0 never cancels.
    asgi_disconnect_grace_ms: int = 0
    #: An event loop that does not run for so long is stuck, and the worker to be replaced; 0 never.
    timeout_ms: int = 0
    #: Length of a graceful stop.
    graceful_timeout_ms: int = 30_000
    #: WebSocket messages that the front may send ahead of what the app has received.
    ws_max_queue: int = 32
    #: Absolute folder in which the app is loaded and runs; "" keeps the arbiter's.
    chdir: str = ""
    #: Folders put in front of sys.path, the first one first.
    python_path: list[str] = []
    #: Environment variables to set, [name, value] each.
    env: list[list[str]] = []
    #: File mode mask for the app; -1 leaves the inherited one.
    umask: int = -1
    #: Who runs the app when root starts the server: names or numbers; "" keeps.
    user: str = ""
    group: str = ""
    #: All groups of `user` instead of `group` alone.
    init_groups: bool = False
    #: More than one worker process serves the app: environ's wsgi.multiprocess.
    multiprocess: bool = False
    #: Hand wsgi.file_wrapper's regular files to the front as (path, offset, length); False streams them
    #: (--no-sendfile).
    file_wrapper_direct: bool = True
    #: Which of Django's folders the front is to serve: "off", "static" or "all".
    static_django: str = "off"
    #: --reload: exceptions are told with their source, and which files the app consists of.
    development: bool = False
    #: environ's SERVER_SOFTWARE.
    server_software: str = "tunicorn"
    #: trace, debug, info, warning, error or critical.
    log_level: str = "info"
    #: "-" for stderr, else a file that is appended to.
    error_log: str = "-"
    #: One JSON object per log line instead of gunicorn's form.
    log_json: bool = False
    #: Levels in colours, as the front and the arbiter write them to a terminal.
    log_colors: bool = False
    #: A file for logging.config: .json, .yaml or .yml, else ini; "" for none.
    log_config: str = ""
    #: As log_config, but always JSON.
    log_config_json: str = ""
    #: Stronger than both: a dictionary for logging.config.
    log_config_dict: dict[str, Any] = {}
    #: A class with gunicorn's Logger interface, `module.Class`; "" for none.
    logger_class: str = ""
    #: stdout and stderr go to the error log's file.
    capture_output: bool = False
    #: Where metrics go: "kind" (udp or unix), "host" and "port" or "path", "prefix", "tags"; empty for nowhere.
    statsd: dict[str, Any] = {}
    #: Import the application in the forkserver.
    preload: bool = False
    #: What ps shows, where setproctitle is installed.
    proc_name: str = ""

    @classmethod
    def from_message(cls, values: Message) -> Settings:
        """Raises ValueError naming the first setting whose value has the wrong type."""
        settings = cls()
        for name in cls.__annotations__:
            key = camel_case(name)
            if key in values:
                default = getattr(cls, name)
                if type(values[key]) is not type(default):
                    raise ValueError(f"setting {key} must be {type(default).__name__}, not {values[key]!r}")
                setattr(settings, name, values[key])
        return settings


def camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def encode(message: Message) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class LineReader:
    """Bytes to messages. A line that is no JSON object, or too long, sets `error`; nothing is read after
    it.
    """

    def __init__(self) -> None:
        self.error = ""
        self._rest = b""

    def receive(self, data: bytes) -> list[Message]:
        messages: list[Message] = []
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            message = None if self.error else self._parse(line)
            if message is not None:
                messages.append(message)
        if len(self._rest) > LINE_BYTES_MAX:
            self._fail(f"a control line is longer than {LINE_BYTES_MAX} bytes")
        return messages

    def _parse(self, line: bytes) -> Message | None:
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if isinstance(message, dict) and isinstance(message.get("type"), str):
            return message
        self._fail(f"a control line is not a message: {line[:80]!r}")
        return None

    def _fail(self, reason: str) -> None:
        self.error = self.error or reason
        self._rest = b""
