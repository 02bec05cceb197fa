"""What a worker does for a developer (--reload), and never otherwise: exceptions told with the source around
them, the files that the app consists of, and no bytecode that could outlive a quick second save.
"""

from __future__ import annotations

import json
import linecache
import os
import sys
import time
import traceback
from importlib.machinery import SourceFileLoader

from .tracebacks import is_hidden, summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict

    Report = Dict[str, Any]

#: The answer whose body is a report: the front makes a page of it (src/handlers/development.ts).
REPORT_TYPE = b"application/vnd.tunicorn.failure+json"
CONTEXT_LINES = 5
#: Tried in turn until a report fits.
FRAMES_MAX = (60, 20, 5, 0)
#: One BODY frame of the wire: an answer in a single frame.
REPORT_BYTES_MAX = 60_000
CHAIN_MAX = 8
HELD_BYTES_MAX = 1_048_576
LINE_CHARACTERS_MAX = 400
MESSAGE_CHARACTERS_MAX = 4_000
#: A .pyc knows its source by size and whole second (PEP 552).
BYTECODE_AGE_SECONDS = 2.0


class Developer:
    """The developer's eyes in one worker."""

    def __init__(self, send: Callable[[Report], None]) -> None:
        """`send` tells the arbiter."""
        self._send = send
        self._modules = Modules()

    def tell_modules(self) -> None:
        files = self._modules.new_files()
        if files:
            self._send({"type": "modules", "files": files})

    def tell_boot_failure(self, error: BaseException) -> None:
        """`error` was raised because of what the developer wants to see. Those files are watched as well."""
        self.tell_modules()
        if error.__cause__ is not None:
            self._send({"type": "failure", "report": report_of(error.__cause__).decode()})

    def complete(self, app: Any) -> Any:
        """What frameworks do for developers in their own server."""
        from .frameworks import prepared

        return prepared(app)

    def around(self, app: Any, is_asgi: bool) -> Any:
        """The app, with its late imports told, and for ASGI with its exceptions explained (wsgi.py does so itself)."""
        return self._around_asgi(app) if is_asgi else self._around_wsgi(app)

    def _around_wsgi(self, app: Any) -> Any:
        def observed(environ: Any, start_response: Any) -> Any:
            try:
                return app(environ, start_response)
            finally:
                self.tell_modules()

        return observed

    def _around_asgi(self, app: Any) -> Any:
        async def observed(scope: Any, receive: Any, send: Any) -> None:
            try:
                if scope["type"] == "http":
                    await ExplainedCycle(send).run(app, scope, receive)
                else:
                    await app(scope, receive, send)
            finally:
                self.tell_modules()

        return observed


class ExplainedCycle:
    """Frameworks answer 500 themselves and raise afterwards (Starlette's ServerErrorMiddleware). So a 500 is held
    until the app returned, and gives way to the report when it raised.
    """

    def __init__(self, send: Any) -> None:
        self._send = send
        self._held: list[Report] = []
        self._held_bytes = 0
        self._is_sent = False

    async def run(self, app: Any, scope: Any, receive: Any) -> None:
        try:
            await app(scope, receive, self._take)
        except Exception as error:
            await self._explain(error)
            raise
        await self._release()

    async def _take(self, message: Report) -> None:
        is_failure = message["type"] == "http.response.start" and message.get("status") == 500
        if not self._is_sent and (self._held or is_failure) and self._held_bytes < HELD_BYTES_MAX:
            self._held.append(message)
            self._held_bytes += len(message.get("body", b""))
            return
        await self._release()
        self._is_sent = self._is_sent or message["type"] == "http.response.start"
        await self._send(message)

    async def _release(self) -> None:
        held, self._held = self._held, []
        for message in held:
            self._is_sent = True
            await self._send(message)

    async def _explain(self, error: Exception) -> None:
        if self._is_sent:
            return
        body = report_of(error)
        headers = [(b"content-type", REPORT_TYPE), (b"content-length", b"%d" % len(body))]
        await self._send({"type": "http.response.start", "status": 500, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


# -- exceptions


def report_of(error: BaseException) -> bytes:
    """The exception and what it came from, outermost last, as JSON."""
    report = b""
    for frames_max in FRAMES_MAX:
        report = json.dumps({"causes": _causes(error, frames_max)}).encode()
        if len(report) <= REPORT_BYTES_MAX:
            break
    return report


def _causes(error: BaseException, frames_max: int) -> list[Report]:
    """As traceback prints them: the first cause first."""
    causes: list[Report] = []
    seen: set[int] = set()
    current: BaseException | None = error
    link = ""
    while current is not None and id(current) not in seen and len(causes) < CHAIN_MAX:
        seen.add(id(current))
        causes.insert(0, dict(_cause(current, frames_max), link=link))
        if current.__cause__ is not None:
            current, link = current.__cause__, "which caused"
        elif current.__context__ is not None and not current.__suppress_context__:
            current, link = current.__context__, "while it was handled, there came"
        else:
            current = None
    return causes


def _cause(error: BaseException, frames_max: int) -> Report:
    frames = [
        _frame(frame.filename, frame.lineno or 0, frame.name)
        for frame in traceback.extract_tb(error.__traceback__)
        if not is_hidden(frame.filename)
    ]
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        frames.append(_frame(error.filename, error.lineno, ""))
    return {
        "type": type(error).__name__,
        "message": summary(error)[:MESSAGE_CHARACTERS_MAX],
        "frames": frames[len(frames) - min(frames_max, len(frames)) :],
    }


def _frame(file: str, line: int, name: str) -> Report:
    """With the lines around it where it is the developer's own code, else with its one line."""
    is_own = _is_own(file)
    around = CONTEXT_LINES if is_own else 0
    first = max(1, line - around)
    lines = linecache.getlines(file)[first - 1 : line + around]
    source = [text.rstrip("\n")[:LINE_CHARACTERS_MAX] for text in lines]
    return {"file": file, "line": line, "name": name, "own": is_own, "first": first, "source": source}


# -- files


class Modules:
    """Which of the app's own files are loaded; each is told once."""

    def __init__(self) -> None:
        self._seen = 0
        self._told: set[str] = set()

    def new_files(self) -> list[str]:
        count = len(sys.modules)
        if count == self._seen:
            return []
        self._seen = count
        files = {_file_of(module) for module in list(sys.modules.values())}
        fresh = sorted(file for file in files - self._told if file and _is_own(file))
        self._told.update(fresh)
        return fresh


def _file_of(module: Any) -> str:
    file = getattr(module, "__file__", None)
    return os.path.abspath(file) if isinstance(file, str) and file.endswith(".py") else ""


_PACKAGE_FOLDERS = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_STANDARD_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep


def _is_own(file: str) -> bool:
    """Neither installed nor the standard library's nor ours."""
    if file.startswith("<") or is_hidden(file) or any(folder in file for folder in _PACKAGE_FOLDERS):
        return False
    return not os.path.abspath(file).startswith(_STANDARD_LIBRARY)


# -- bytecode


def distrust_fresh_bytecode() -> None:
    """Two saves of one length within a second look the same to Python, which would run the first one's code
    again. So code that is still being written leaves no .pyc.
    """
    write = SourceFileLoader.set_data

    def set_data(self: SourceFileLoader, path: str, data: Any, **options: Any) -> None:
        saved_at = int.from_bytes(data[8:12], "little")
        if time.time() - saved_at > BYTECODE_AGE_SECONDS:
            write(self, path, data, **options)

    SourceFileLoader.set_data = set_data  # type: ignore[method-assign]
