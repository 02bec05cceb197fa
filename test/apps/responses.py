"""Responses that the server changes on their way: compressible, large, in pieces, failing."""

import os
import time
from urllib.parse import parse_qs

TEXT = [("Content-Type", "text/plain; charset=utf-8")]
PAGE = b"".join(b"<p>line %d of a page with words that come again</p>\n" % i for i in range(2000))
WAIT_SECONDS_MAX = 20


def app(environ, start_response):
    return ROUTES[environ["PATH_INFO"]](environ, start_response)


def page(environ, start_response):
    headers = [("Content-Type", "text/html"), ("ETag", '"v1"'), ("Content-Length", str(len(PAGE)))]
    if '"v1"' in environ.get("HTTP_IF_NONE_MATCH", ""):
        start_response("304 Not Modified", [("ETag", '"v1"')])
        return []
    start_response("200 OK", headers)
    return [PAGE]


def stream(environ, start_response):
    """A line, and the rest when the file ?go= is there."""
    start_response("200 OK", TEXT)
    yield b"first line\n"
    wait_for(argument(environ, "go"))
    yield b"second line\n"


def events(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    yield b"data: 1\n\n"
    wait_for(argument(environ, "go"))
    yield b"data: 2\n\n"


def large(environ, start_response):
    """?mb= megabytes that do not compress, in pieces; ?length=1 says how many."""
    count = int(argument(environ, "mb"))
    piece = bytes(range(256)) * 256
    headers = [("Content-Type", "application/octet-stream")]
    if argument(environ, "length"):
        headers.append(("Content-Length", str(count * 1_048_576)))
    start_response("200 OK", headers)
    return (piece for _ in range(count * 16))


flooded_bytes = 0


def flood(environ, start_response):
    """An event stream as fast as the client takes it."""
    global flooded_bytes
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    event = b"data: " + b"x" * 65536 + b"\n\n"
    while flooded_bytes < 100_000_000:
        flooded_bytes += len(event)
        yield event


def flooded(environ, start_response):
    start_response("200 OK", TEXT)
    return [str(flooded_bytes).encode()]


def hello(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"hello"]


def busy(environ, start_response):
    start_response("503 Service Unavailable", [*TEXT, ("Retry-After", "7")])
    return [b"the application's own page"]


def crash(environ, start_response):
    os._exit(1)


def echo(environ, start_response):
    start_response("200 OK", TEXT)
    return [environ["wsgi.input"].read()]


def argument(environ, name):
    return parse_qs(environ["QUERY_STRING"]).get(name, [""])[0]


def wait_for(path):
    end = time.monotonic() + WAIT_SECONDS_MAX
    while not os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.01)


ROUTES = {
    "/page": page,
    "/stream": stream,
    "/events": events,
    "/large": large,
    "/flood": flood,
    "/flooded": flooded,
    "/hello": hello,
    "/busy": busy,
    "/crash": crash,
    "/echo": echo,
}
