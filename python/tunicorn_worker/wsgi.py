"""PEP 3333: one request from its wire form through the app. Whatever the app does, the request ends once
and the worker lives.
"""

from __future__ import annotations

from io import BytesIO
from marshal import loads
from time import perf_counter

from . import inheritance
from .files import FileWrapper, part_of
from .response import Response, WsgiError
from .tracebacks import log_exception, summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import IO, Any, Callable, Dict

    from .control import Settings
    from .session import Session, Stream

    App = Callable[[Dict[str, Any], Callable[..., Any]], Any]

#: Smaller files go through the worker: one read is cheaper than asking the front and waiting for its answer.
FILE_BYTES_MIN = 16_384


class WsgiRunner:
    def __init__(
        self,
        app: App,
        settings: Settings,
        log: logging.Logger,
        errors: IO[str],
        retire: Callable[[str], None],
    ) -> None:
        """`retire(cause)` asks the arbiter for a successor: the app wanted this process to end."""
        self._app = app
        self._log = log
        self._retire = retire
        self._sends_files = settings.file_wrapper_direct
        self._explains = settings.development
        self._constants: dict[str, Any] = {
            "SERVER_SOFTWARE": settings.server_software,
            "wsgi.version": (1, 0),
            "wsgi.errors": errors,
            "wsgi.multithread": settings.worker_class == "gthread" and settings.threads > 1,
            "wsgi.multiprocess": settings.multiprocess,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": FileWrapper,
            "wsgi.input_terminated": True,
        }

    def run(self, session: Session, stream: Stream) -> None:
        environ = loads(stream.head)
        environ.update(self._constants)
        response = Response(session, stream, environ["REQUEST_METHOD"])
        environ["wsgi.early_hints"] = response.early_hints
        environ["tunicorn.set_timeout"] = response.set_timeout
        environ["tunicorn.client_disconnected"] = is_gone = response.client_disconnected
        environ["waitress.client_disconnected"] = is_gone
        body: Any = None
        try:
            body = open(stream.body_path, "rb") if stream.body_path else BytesIO(stream.body)  # noqa: SIM115
            environ["wsgi.input"] = body
            response.started = response.polled = perf_counter()
            result = self._app(environ, response.start_response)
            kind = type(result)
            if kind is list or kind is tuple:
                response.finish_whole(result)
            else:
                self._produce(result, response)
        except BaseException as error:
            self._fail(error, response, stream)
        finally:
            if stream.body_path and body is not None:
                body.close()
        if response.is_cut:
            self._log.error(
                "The body of %s is longer than its Content-Length: the rest was dropped", _named(stream)
            )

    def _produce(self, result: Any, response: Response) -> None:
        """Streams the app's iterable; its close() is called whatever happens."""
        try:
            if type(result) is FileWrapper and self._send_file(result.filelike, response):
                return
            for chunk in _iterable(result):
                if not isinstance(chunk, bytes):
                    raise WsgiError(f"the application's iterable gave {type(chunk).__name__}, not bytes")
                if chunk and not response.push(chunk):
                    break
            response.finish()
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _send_file(self, filelike: Any, response: Response) -> bool:
        part = part_of(filelike) if self._sends_files else None
        if part is None:
            return False
        if part.length >= FILE_BYTES_MIN:
            return response.offer_file(part)
        response.finish_whole([filelike.read()])
        return True

    def _fail(self, error: BaseException, response: Response, stream: Stream) -> None:
        if stream.is_gone and isinstance(error, BrokenPipeError):
            response.give_up()  # write() said so to an app that passed it on
            return
        log_exception(self._log, "Error handling request %s", _named(stream), error=error)
        inheritance.end_if_child()
        response.fail(summary(error), self._report(error))
        if not isinstance(error, Exception):
            self._retire(f"the application raised {type(error).__name__}")

    def _report(self, error: BaseException) -> bytes:
        if not self._explains:
            return b""
        from .development import report_of  # never in production

        return report_of(error)


def _iterable(result: Any) -> Any:
    if isinstance(result, (str, bytes, bytearray, dict)) or not hasattr(result, "__iter__"):
        raise WsgiError(f"the application returned {_article(result)}, not an iterable of bytes")
    return result


def _article(result: Any) -> str:
    if result is None:
        return "None"
    if hasattr(result, "__await__"):
        return "a coroutine (an ASGI application?)"
    return f"{type(result).__name__} {result!r:.60}"


def _named(stream: Stream) -> str:
    """Method and path, for the log."""
    environ = loads(stream.head)
    return "{} {}".format(environ.get("REQUEST_METHOD", "?"), environ.get("RAW_URI", "?").partition("?")[0])
