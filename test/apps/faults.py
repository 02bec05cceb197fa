"""Everything an application can do wrong while it answers, a route for each."""

import os
import signal
import time

TEXT = [("Content-Type", "text/plain")]


def application(environ, start_response):
    return ROUTES[environ["PATH_INFO"]](environ, start_response)


def fine(environ, start_response):
    start_response("200 OK", TEXT)
    return [str(os.getpid()).encode()]


def raise_in_call(environ, start_response):
    raise ValueError("raised in the call")


def raise_after_start(environ, start_response):
    start_response("200 OK", TEXT)
    raise ValueError("raised after start_response")


def raise_while_iterating(environ, start_response):
    start_response("200 OK", TEXT)
    raise ValueError("raised before the first piece")
    yield b""


def raise_after_first_piece(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"first piece"
    raise ValueError("raised after the first piece")


def raise_in_close(environ, start_response):
    class Body(list):
        def close(self):
            raise ValueError("raised in close")

    start_response("200 OK", [*TEXT, ("Content-Length", "4")])
    return Body([b"body"])


def return_none(environ, start_response):
    start_response("200 OK", TEXT)


def return_str(environ, start_response):
    start_response("200 OK", TEXT)
    return "text"


def yield_str(environ, start_response):
    start_response("200 OK", TEXT)
    return ["text"]


def no_start(environ, start_response):
    return [b"body without start_response"]


def start_twice(environ, start_response):
    start_response("200 OK", TEXT)
    start_response("200 OK", TEXT)
    return [b"body"]


def body_too_long(environ, start_response):
    start_response("200 OK", [*TEXT, ("Content-Length", "4")])
    return [b"four", b"and more"]


def body_too_short(environ, start_response):
    start_response("200 OK", [*TEXT, ("Content-Length", "100")])
    return [b"not a hundred bytes"]


def system_exit(environ, start_response):
    raise SystemExit(3)


def die(environ, start_response):
    os._exit(7)


def kill(environ, start_response):
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(10)


def segfault(environ, start_response):
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(10)


def deep(environ, start_response):
    return deep(environ, start_response)


def answers(status, headers):
    def route(environ, start_response):
        start_response(status, headers)
        return [b"body"]

    return route


ROUTES = {
    "/fine": fine,
    "/raise-in-call": raise_in_call,
    "/raise-after-start": raise_after_start,
    "/raise-while-iterating": raise_while_iterating,
    "/raise-after-first-piece": raise_after_first_piece,
    "/raise-in-close": raise_in_close,
    "/return-none": return_none,
    "/return-str": return_str,
    "/yield-str": yield_str,
    "/no-start": no_start,
    "/start-twice": start_twice,
    "/body-too-long": body_too_long,
    "/body-too-short": body_too_short,
    "/system-exit": system_exit,
    "/die": die,
    "/kill": kill,
    "/segfault": segfault,
    "/deep": deep,
    "/status-word": answers("OK", TEXT),
    "/status-number": answers(200, TEXT),
    "/status-low": answers("99 Low", TEXT),
    "/status-crlf": answers("200 OK\r\nX-Evil: 1", TEXT),
    "/header-crlf": answers("200 OK", [("X-Bad", "a\r\nX-Evil: 1")]),
    "/header-lf": answers("200 OK", [("X-Bad", "a\nX-Evil: 1")]),
    "/header-nul": answers("200 OK", [("X-Bad", "a\0b")]),
    "/header-name": answers("200 OK", [("X Bad", "a")]),
    "/header-name-empty": answers("200 OK", [("", "a")]),
    "/header-name-colon": answers("200 OK", [("X-Bad: a\r\nX-Evil", "1")]),
    "/header-not-str": answers("200 OK", [("X-Bad", 1)]),
    "/header-bytes": answers("200 OK", [(b"X-Bad", b"a")]),
    "/header-not-latin1": answers("200 OK", [("X-Bad", "\u20ac")]),
    "/length-not-a-number": answers("200 OK", [("Content-Length", "four")]),
    "/length-negative": answers("200 OK", [("Content-Length", "-4")]),
    "/length-twice": answers("200 OK", [("Content-Length", "4"), ("Content-Length", "5")]),
}
