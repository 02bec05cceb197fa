"""Requests that never end, each in its own way, and one that tells who answers."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

TEXT = [("Content-Type", "text/plain")]
FOREVER = 3600


def application(environ, start_response):
    wanted = environ["QUERY_STRING"].partition("limit=")[2]
    if wanted:
        environ["tunicorn.set_timeout"](float(wanted))
    return ROUTES[environ["PATH_INFO"]](start_response)


def pid(start_response):
    start_response("200 OK", TEXT)
    return [str(os.getpid()).encode()]


def sleep_for_ever(start_response):
    time.sleep(FOREVER)


def hold_interpreter(start_response):
    """C code that does not let go of the interpreter: no other thread runs."""
    import re

    re.match(r"(a+)+$", "a" * 64 + "b")


def hold_for_a_while(start_response):
    import ctypes

    print("holding", flush=True)
    ctypes.PyDLL(None).usleep(4_000_000)
    return pid(start_response)


def sleep_and_ignore(start_response):
    signal.signal(signal.SIGABRT, signal.SIG_IGN)
    time.sleep(FOREVER)


def stream(start_response):
    """Longer than the time limit, but never silent for so long."""
    start_response("200 OK", TEXT)
    for _ in range(12):
        time.sleep(0.2)
        yield b"."


def fall_silent(start_response):
    start_response("200 OK", TEXT)
    yield b"first"
    time.sleep(FOREVER)


def child(start_response):
    """A child process that would stay."""
    process = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOREVER})"])
    start_response("200 OK", TEXT)
    return [str(process.pid).encode()]


def grow(start_response):
    MEMORY.append(bytearray(os.urandom(1024)) * (60 * 1024))
    return pid(start_response)


def slow(start_response):
    time.sleep(2)
    return pid(start_response)


MEMORY = []
ROUTES = {
    "/pid": pid,
    "/sleep": sleep_for_ever,
    "/hold": hold_interpreter,
    "/hold-a-while": hold_for_a_while,
    "/ignore": sleep_and_ignore,
    "/stream": stream,
    "/silent": fall_silent,
    "/child": child,
    "/grow": grow,
    "/slow": slow,
}


async def wait_for_ever():
    await asyncio.Event().wait()


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError(scope["type"])
    wanted = scope["query_string"].decode().partition("limit=")[2]
    if wanted:
        await send({"type": "tunicorn.timeout", "seconds": float(wanted)})
    if scope["path"] == "/wait":
        try:
            await wait_for_ever()
        finally:
            print("wait was cancelled", flush=True)
    if scope["path"] != "/pid":
        ROUTES[scope["path"]](None)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})


def threads():
    return threading.active_count()
