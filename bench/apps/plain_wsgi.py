"""PEP 3333 applications without a framework: what is measured is the server."""

from __future__ import annotations

import json
import time
from typing import Any, Callable, Iterable

Environ = dict
StartResponse = Callable[..., Any]

BYTES_100K = b"0123456789" * 10_000
SLOW_SECONDS = 1.0


def hello(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return answer(start_response, b"Hello, world!\n")


def large(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return answer(start_response, BYTES_100K)


def echo_length(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return answer(start_response, b"%d\n" % len(body))


def stamped(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Says when it ran, on the machine's monotonic clock: it shows which workers were idle."""
    start = time.monotonic_ns()
    if environ["PATH_INFO"] == "/slow":
        time.sleep(SLOW_SECONDS)
    stamps = {"start": start, "end": time.monotonic_ns()}
    return answer(start_response, json.dumps(stamps).encode())


def mixed(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """hello, with the requests of slow clients beside it."""
    route = {"/large": large, "/echo": echo_length}.get(environ["PATH_INFO"], hello)
    return route(environ, start_response)


def answer(start_response: StartResponse, body: bytes) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
