"""`python -m tunicorn_worker forkserver`: spawned by the arbiter, which holds the other end of fd 3."""

from __future__ import annotations

import os
import socket
import sys

PACKAGE_PARENT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXIT_USAGE = 2


def main() -> int:
    if sys.argv[1:] != ["forkserver"]:
        sys.stderr.write("tunicorn_worker is started by tunicorn; its only role is: forkserver\n")
        return EXIT_USAGE
    leave_no_trace()
    from . import forkserver

    try:
        job = forkserver.Forkserver(socket.socket(fileno=forkserver.CONTROL_FD)).run()
    except forkserver.Ended as ended:
        return ended.code
    # Here, on an almost empty stack, begins a forked worker.
    from . import worker

    return worker.run(job)


def leave_no_trace() -> None:
    """The app and its child processes must not find tunicorn's folder on their path."""
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != PACKAGE_PARENT]
    rest = [
        path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != PACKAGE_PARENT
    ]
    if rest:
        os.environ["PYTHONPATH"] = os.pathsep.join(rest)
    else:
        os.environ.pop("PYTHONPATH", None)


if __name__ == "__main__":
    sys.exit(main())
