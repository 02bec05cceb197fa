"""An application that forks: what its children must not have of the worker's."""

import multiprocessing
import os
import signal
import time

TEXT = [("Content-Type", "text/plain")]
FORK = multiprocessing.get_context("fork")
#: Longer than any test waits.
LONG_SECONDS = 60


def application(environ, start_response):
    answer = ROUTES[environ["PATH_INFO"]]()
    start_response("200 OK", TEXT)
    return [str(answer).encode()]


async def asgi(scope, receive, send):
    assert scope["type"] == "http", "no lifespan here"
    answer = ROUTES[scope["path"]]()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(answer).encode()})


def terminated_child():
    """Its exit code."""
    child = FORK.Process(target=time.sleep, args=(LONG_SECONDS,), daemon=True)
    child.start()
    child.terminate()
    child.join(10)
    if child.exitcode is None:
        child.kill()
    return child.exitcode


def die_before_child():
    """This process ends in the middle of its request; its child stays until the test ends it."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(LONG_SECONDS)
        os._exit(0)
    os.write(1, b"forked %d\n" % child)  # at once: print writes the line's end by itself
    os._exit(1)


def child_that_comes_back():
    """The exit code of a child that returns into the server as if it were the worker."""
    child = os.fork()
    if child == 0:
        raise RuntimeError("raised in the child")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if hasattr(os, "waitstatus_to_exitcode") else 70


ROUTES = {
    "/pid": os.getpid,
    "/terminated": terminated_child,
    "/die": die_before_child,
    "/back": child_that_comes_back,
}
