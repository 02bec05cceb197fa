"""The configuration file's hooks, and the objects that they are given: what gunicorn documents of its
arbiter and its workers, as far as it has a meaning here.
"""

from __future__ import annotations

import inspect
import os

from .cfg import Cfg, parsed_address
from .tracebacks import log_exception

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable

    from .master import Application

#: Hooks, and how many arguments each is called with (gunicorn's documentation, "Server Hooks").
HOOKS: dict[str, tuple[int, ...]] = {
    "on_starting": (1,),
    "on_reload": (1,),
    "when_ready": (1,),
    "pre_fork": (2,),
    "post_fork": (2,),
    "post_worker_init": (1,),
    "worker_int": (1,),
    "worker_abort": (1,),
    "pre_exec": (1,),
    "pre_request": (2,),
    "post_request": (4, 3, 2),
    "child_exit": (2,),
    "worker_exit": (2,),
    "nworkers_changed": (3,),
    "on_exit": (1,),
}


class Listener:
    """A listening socket by its address: the socket itself is the front's."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._address = parsed_address(text)

    def getsockname(self) -> Any:
        return self._address

    def __str__(self) -> str:
        return self._text


class Worker:
    """One worker process, as its hooks and the server's see it."""

    def __init__(self, server: Server, age: int, nr: int) -> None:
        self.server = server
        self.age = age
        self.nr_seat = nr
        #: Requests so far; where no request hook is set they are counted at the end.
        self.nr = 0
        self.pid: int | str = "[booting]"
        self.ppid = os.getpid()
        self.alive = True
        self.aborted = False
        self.booted = False
        self.cfg = server.cfg
        self.log = server.log
        self.timeout = server.cfg.timeout
        self.sockets = server.LISTENERS
        self.app = server.app
        self.wsgi: Any = None
        #: gunicorn's heartbeat file.
        self.tmp: Any = None
        #: One byte shared by the worker and its parent: not 0 once worker_exit was called. None without that hook.
        self.exit_mark: Any = None

    def __str__(self) -> str:
        return f"<Worker {self.pid}>"


class Server:
    """gunicorn's Arbiter. Its process is the forkserver, the parent of the workers."""

    master_name = "Master"
    #: The pid file, USR2 and systemd are the arbiter's.
    pidfile = None
    reexec_pid = 0
    master_pid = 0
    systemd = False

    def __init__(self, cfg: Cfg, log: Any, listeners: list[str], pid: int, workers: int) -> None:
        self.cfg = cfg
        self.log = log
        #: The process that signals are sent to.
        self.pid = pid
        self.num_workers = workers
        self.WORKERS: dict[int, Worker] = {}
        self.LISTENERS = [Listener(text) for text in listeners]
        self.address = [listener.getsockname() for listener in self.LISTENERS]
        self.proc_name = cfg.proc_name
        self.worker_age = 0
        self.app: Application | None = None
        #: This is a worker's copy.
        self.is_forked = False

    @property
    def timeout(self) -> Any:
        return self.cfg.timeout

    @property
    def worker_class(self) -> str:
        return self.cfg.worker_class_str


class Hooks:
    """Calls them. A hook that raises is logged, and what it accompanied goes on; `must` passes it on."""

    def __init__(self, functions: dict[str, Callable[..., Any]], server: Server) -> None:
        self._functions = functions
        self.server = server

    def has(self, name: str) -> bool:
        return name in self._functions

    def must(self, name: str, *arguments: Any) -> None:
        function = self._functions.get(name)
        if function is not None:
            function(*arguments)

    def call(self, name: str, *arguments: Any) -> None:
        try:
            self.must(name, *arguments)
        except BaseException as error:
            log_exception(self.server.log, "The hook %s failed", name, error=error)

    # -- in the forkserver

    def before_fork(self, age: int, nr: int) -> Worker:
        self.server.worker_age = age
        worker = Worker(self.server, age, nr)
        if self.has("worker_exit"):
            import mmap

            worker.exit_mark = mmap.mmap(-1, 1)
        self.call("pre_fork", self.server, worker)
        return worker

    def forked(self, pid: int, worker: Worker) -> None:
        worker.pid = pid
        self.server.WORKERS[pid] = worker

    def reaped(self, pid: int) -> None:
        worker = self.server.WORKERS.pop(pid, None)
        if worker is not None:
            self.exited(worker)
            self.call("child_exit", self.server, worker)
            if worker.exit_mark is not None:
                worker.exit_mark.close()

    # -- in the worker, or in the forkserver for one that did not come to it

    def exited(self, worker: Worker) -> None:
        worker.alive = False
        mark = worker.exit_mark
        if mark is not None and not mark[0]:
            mark[0] = 1
            self.call("worker_exit", self.server, worker)

    # -- in the worker

    def around_requests(self, app: Any, worker: Worker, is_asgi: bool) -> Any:
        """The application with pre_request and post_request around it, where one of them is set."""
        if not (self.has("pre_request") or self.has("post_request")):
            return app
        before = self._functions.get("pre_request")
        after = self._functions.get("post_request")
        arity = arity_of(after, HOOKS["post_request"]) if after is not None else 0
        calls = RequestHooks(self, worker, before, after, arity)
        return AsgiHooked(app, calls) if is_asgi else WsgiHooked(app, calls)


def arity_of(hook: Any, choices: tuple[int, ...]) -> int:
    """The first number of arguments that the function takes; 0 when it takes none of them."""
    if not callable(hook):
        return 0
    try:
        signature = inspect.signature(hook)
    except (ValueError, TypeError):
        return choices[0]  # a builtin that does not say
    for count in choices:
        try:
            signature.bind(*[None] * count)
        except TypeError:
            continue
        return count
    return 0


class RequestHooks:
    def __init__(self, hooks: Hooks, worker: Worker, before: Any, after: Any, arity: int) -> None:
        self._log = hooks.server.log
        self._worker = worker
        self._before = before
        self._after = after
        self._arity = arity

    def begin(self, request: Request) -> None:
        self._worker.nr += 1
        if self._before is not None:
            self._before(self._worker, request)

    def end(self, request: Request, environ: Any, response: Answer) -> None:
        if self._after is None:
            return
        try:
            self._after(*(self._worker, request, environ, response)[: self._arity])
        except BaseException as error:
            log_exception(self._log, "The hook post_request failed", error=error)


class Request:
    """gunicorn's Request, of what is known before the application runs. Read only."""

    def __init__(
        self,
        method: str,
        uri: str,
        path: str,
        query: str,
        headers: list[tuple[str, str]],
        version: tuple[int, int],
        scheme: str,
        peer: tuple[str, int] | str,
    ) -> None:
        self.method = method
        self.uri = uri
        self.path = path
        self.query = query
        self.fragment = ""
        #: Names in upper case, as gunicorn has them.
        self.headers = headers
        self.trailers: list[tuple[str, str]] = []
        self.version = version
        self.scheme = scheme
        self.remote_addr = peer
        self.peer_addr = peer
        self.body: Any = None


class Answer:
    """gunicorn's Response, as far as the application has given it."""

    def __init__(self) -> None:
        self.status = ""
        self.status_code = 0
        self.headers: list[tuple[str, str]] = []
        self.headers_sent = False
        self.sent = 0

    @property
    def response_length(self) -> int | None:
        for name, value in self.headers:
            if name.lower() == "content-length" and value.isdigit():
                return int(value)
        return None

    def begin(self, status: str, headers: Iterable[tuple[str, str]]) -> None:
        self.status = status
        self.status_code = int(status[:3]) if status[:3].isdigit() else 0
        self.headers = list(headers)
        self.headers_sent = True


class WsgiHooked:
    """post_request follows the response's close(), when its body was handed over."""

    def __init__(self, app: Any, calls: RequestHooks) -> None:
        self._app = app
        self._calls = calls

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        request = request_of_environ(environ)
        answer = Answer()

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            answer.begin(status, headers)
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        def end() -> None:
            self._calls.end(request, environ, answer)

        self._calls.begin(request)
        try:
            result = self._app(environ, start)
        except BaseException:
            end()
            raise
        return _Closing(result, answer, end)


class _Closing:
    """An iterable that tells when it was closed. Anything else is passed on: the runner says what is wrong."""

    def __init__(self, result: Any, answer: Answer, end: Callable[[], None]) -> None:
        self._result = result
        self._answer = answer
        self._end = end

    def __iter__(self) -> Any:
        for chunk in self._result:
            self._answer.sent += len(chunk)
            yield chunk

    def close(self) -> None:
        try:
            close = getattr(self._result, "close", None)
            if close is not None:
                close()
        finally:
            self._end()


class AsgiHooked:
    def __init__(self, app: Any, calls: RequestHooks) -> None:
        self._app = app
        self._calls = calls

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = request_of_scope(scope)
        answer = Answer()

        async def sending(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
                answer.begin(str(message["status"]), pairs)
            elif message["type"] == "http.response.body":
                answer.sent += len(message.get("body", b""))
            await send(message)

        self._calls.begin(request)
        try:
            await self._app(scope, receive, sending)
        finally:
            # As gunicorn without an access log: ASGI has no environ.
            self._calls.end(request, None, answer)


def request_of_environ(environ: dict[str, Any]) -> Request:
    headers = [
        (name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")
    ]
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers.append((name.replace("_", "-"), environ[name]))
    uri = environ.get("RAW_URI", "")
    return Request(
        environ["REQUEST_METHOD"],
        uri,
        uri.partition("?")[0],
        environ.get("QUERY_STRING", ""),
        headers,
        _version(environ.get("SERVER_PROTOCOL", "HTTP/1.1")[5:]),
        environ.get("wsgi.url_scheme", "http"),
        (environ.get("REMOTE_ADDR", ""), int(environ.get("REMOTE_PORT") or 0)),
    )


def request_of_scope(scope: dict[str, Any]) -> Request:
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
    query = scope.get("query_string", b"").decode("latin-1")
    client = scope.get("client") or ("", 0)
    return Request(
        scope["method"],
        f"{path}?{query}" if query else path,
        path,
        query,
        [(name.decode("latin-1").upper(), value.decode("latin-1")) for name, value in scope["headers"]],
        _version(scope.get("http_version", "1.1")),
        scope.get("scheme", "http"),
        (client[0], client[1]),
    )


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major or 1), int(minor or 0)
