"""PEP 3333 without a framework: one route for each thing that the specification lets an application do.

`application` is checked by wsgiref.validate from both sides; `unchecked` is the same without the checks.
"""

import json
import os
import sys
import time
from urllib.parse import parse_qs
from wsgiref.validate import validator

TEXT = [("Content-Type", "text/plain; charset=utf-8")]
WAIT_SECONDS_MAX = 20


def unchecked(environ, start_response):
    note_call(environ)
    return ROUTES.get(environ["PATH_INFO"], not_found)(environ, start_response)


application = validator(unchecked)


def hello(environ, start_response):
    return reply(start_response, b"Hello, world!\n")


def pid(environ, start_response):
    return reply(start_response, str(os.getpid()).encode())


def method(environ, start_response):
    return reply(start_response, environ["REQUEST_METHOD"].encode())


def echo(environ, start_response):
    """The body again, read in pieces of ?size= bytes."""
    size = int(query(environ, "size", "65536"))
    pieces = list(iter(lambda: environ["wsgi.input"].read(size), b""))
    return reply(start_response, b"".join(pieces))


def lines(environ, start_response):
    """Each line of the body with its length before it: wsgi.input as an iterator."""
    return reply(start_response, b"".join(b"%d:%s" % (len(line), line) for line in environ["wsgi.input"]))


def readlines(environ, start_response):
    body = environ["wsgi.input"]
    first = body.readline()
    return reply(start_response, b"%d+%d" % (len(first), len(body.readlines())))


def length(environ, start_response):
    """How many bytes came, without reading any into the answer."""
    count = sum(len(piece) for piece in iter(lambda: environ["wsgi.input"].read(65536), b""))
    return reply(start_response, str(count).encode())


def ignore_body(environ, start_response):
    return reply(start_response, b"not read")


def show_environ(environ, start_response):
    """All of the environ: text as it is, everything else by its type."""
    shown = {key: value if isinstance(value, str) else describe(value) for key, value in environ.items()}
    return reply(start_response, json.dumps(shown, sort_keys=True).encode())


def generator(environ, start_response):
    """Pieces without a Content-Length."""
    start_response("200 OK", TEXT)
    return (b"piece %d\n" % number for number in range(int(query(environ, "n", "3"))))


def streaming(environ, start_response):
    """The second piece is produced only when the file ?gate= exists."""
    start_response("200 OK", TEXT)
    gate = query(environ, "gate", "")

    def pieces():
        yield b"first\n"
        wait_for_file(gate)
        yield b"second\n"

    return pieces()


def write(environ, start_response):
    send = start_response("200 OK", TEXT)
    send(b"written, ")
    send(b"written again, ")
    return [b"returned"]


def exc_info_before(environ, start_response):
    """Headers are replaced while none was sent."""
    start_response("200 OK", [*TEXT, ("X-Old", "1")])
    try:
        raise ValueError("before the headers left")
    except ValueError:
        start_response("500 Replaced", [*TEXT, ("X-New", "1")], sys.exc_info())
    return [b"replaced"]


def exc_info_after(environ, start_response):
    """start_response raises the exception again: it is too late for other headers."""
    send = start_response("200 OK", TEXT)
    send(b"sent")
    try:
        raise ValueError("after the headers left")
    except ValueError:
        start_response("500 Too late", TEXT, sys.exc_info())
    return [b"never"]


def send_file(environ, start_response):
    path = query(environ, "path", __file__)
    file = open(path, "rb")
    file.seek(int(query(environ, "from", "0")))
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return environ["wsgi.file_wrapper"](file, 65536)


def early_hints(environ, start_response):
    environ["wsgi.early_hints"]([("Link", "</style.css>; rel=preload; as=style")])
    return reply(start_response, b"hinted")


def events(environ, start_response):
    """Server-sent events until nobody wants them any more."""
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    while not environ["tunicorn.client_disconnected"]():
        yield b"data: tick\n\n"
        time.sleep(0.02)
    yield b"data: goodbye\n\n"


def big(environ, start_response):
    return reply(start_response, b"x" * int(query(environ, "n", "1000000")))


def big_stream(environ, start_response):
    start_response("200 OK", TEXT)
    return (b"x" * 65536 for _ in range(int(query(environ, "n", "100"))))


def slow(environ, start_response):
    time.sleep(float(query(environ, "s", "1")))
    return reply(start_response, b"slow\n")


def gated(environ, start_response):
    """Says that it started by making the file ?started=, answers when the file ?gate= exists."""
    touch(query(environ, "started", ""))
    wait_for_file(query(environ, "gate", ""))
    return reply(start_response, str(os.getpid()).encode())


class Closing:
    """An iterable that makes the file ?closed= when it is closed."""

    def __init__(self, environ, start_response):
        self.environ = environ
        start_response("200 OK", TEXT)

    def __iter__(self):
        yield b"first\n"
        for _ in range(int(query(self.environ, "n", "0"))):
            time.sleep(0.01)
            yield b"x" * 1000

    def close(self):
        touch(query(self.environ, "closed", ""))


def no_content(environ, start_response):
    start_response("204 No Content", [])
    return []


def not_modified(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"one"')])
    return []


def custom_reason(environ, start_response):
    start_response("299 Rather Good", [*TEXT, ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    return [b"ok"]


def errors(environ, start_response):
    environ["wsgi.errors"].write("a line of wsgi.errors\n")
    environ["wsgi.errors"].flush()
    print("a line of stdout", flush=True)
    return reply(start_response, b"said")


def not_found(environ, start_response):
    start_response("404 Not Found", TEXT)
    return [b"no such route\n"]


ROUTES = {
    "/": hello,
    "/hello": hello,
    "/pid": pid,
    "/method": method,
    "/echo": echo,
    "/lines": lines,
    "/readlines": readlines,
    "/length": length,
    "/ignore-body": ignore_body,
    "/environ": show_environ,
    "/generator": generator,
    "/streaming": streaming,
    "/write": write,
    "/exc-info-before": exc_info_before,
    "/exc-info-after": exc_info_after,
    "/file": send_file,
    "/early-hints": early_hints,
    "/events": events,
    "/big": big,
    "/big-stream": big_stream,
    "/slow": slow,
    "/gated": gated,
    "/closing": Closing,
    "/no-content": no_content,
    "/not-modified": not_modified,
    "/custom-reason": custom_reason,
    "/errors": errors,
}


def reply(start_response, body):
    start_response("200 OK", [*TEXT, ("Content-Length", str(len(body)))])
    return [body]


def query(environ, name, default):
    return parse_qs(environ["QUERY_STRING"]).get(name, [default])[0]


def describe(value):
    return value if isinstance(value, (bool, int, tuple)) else type(value).__name__


def note_call(environ):
    """One line for each call of the application, where a test asked for it."""
    if "CALLS_FILE" in os.environ:
        with open(os.environ["CALLS_FILE"], "a") as file:
            file.write("{REQUEST_METHOD} {PATH_INFO}\n".format(**environ))


def touch(path):
    if path:
        open(path, "w").close()


def wait_for_file(path):
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(0.005)
