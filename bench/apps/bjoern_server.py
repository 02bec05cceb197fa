"""bjoern has no command line: bind once, fork, serve. Usage: bjoern_server.py module:attr port processes"""

from __future__ import annotations

import importlib
import os
import signal
import sys

import bjoern


def main(spec: str, port: int, processes: int) -> None:
    module, attr = spec.split(":")
    bjoern.listen(getattr(importlib.import_module(module), attr), "127.0.0.1", port, reuse_port=False)
    children = [fork_server() for _ in range(processes)]
    signal.signal(signal.SIGTERM, lambda *_: [os.kill(pid, signal.SIGTERM) for pid in children])
    for pid in children:
        os.waitpid(pid, 0)


def fork_server() -> int:
    pid = os.fork()
    if pid == 0:
        try:
            bjoern.run()
        finally:
            os._exit(0)
    return pid


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
