"""Process 1 of a container, where the server is that: Node buries no process that it did not start, and whatever loses its
parent in a container becomes process 1's child (daemons of the application, what `docker exec` leaves behind). So this
small program stands before it: it starts the server, passes signals on, buries the dead, and ends as the server ends.

Run by bin/tunicorn as a file, without the package around it: `python -I -S init.py COMMAND [ARGUMENT …]`.
"""

from __future__ import annotations

import os
import signal
import sys

#: What an operator sends to process 1. SIGTSTP and its like are the terminal's business.
PASSED_ON = ("HUP", "INT", "QUIT", "TERM", "TTIN", "TTOU", "USR1", "USR2", "WINCH")
#: They name the process that systemd's sockets and watchdog are meant for.
PID_VARIABLES = ("LISTEN_PID", "WATCHDOG_PID")


def main(command: list[str]) -> int:
    """The exit code of the server, or 128 and the number of the signal that ended it."""
    heard: set[signal.Signals] = {getattr(signal, f"SIG{name}") for name in (*PASSED_ON, "CHLD")}
    inherited = signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    before = os.getpid()
    pid = os.fork()
    if pid == 0:
        become_server(command, before, inherited)
    while True:
        number = signal.sigwait(heard)
        if number != signal.SIGCHLD:
            pass_on(pid, number)
            continue
        status = bury(pid)
        if status is not None:
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def become_server(command: list[str], before: int, mask: set[int | signal.Signals]) -> None:
    """In the child: a foreground group of its own, so that a terminal's ^C comes once."""
    for name in PID_VARIABLES:
        if os.environ.get(name) == str(before):
            os.environ[name] = str(os.getpid())
    os.setpgid(0, 0)
    try:
        os.tcsetpgrp(0, os.getpid())  # SIGTTOU is blocked
    except OSError:
        pass  # no terminal
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.stderr.write(f"tunicorn: {command[0]}: {error.strerror}\n")
        sys.stderr.flush()  # before Python 3.9 only terminals had lines at once
        os._exit(1)


def pass_on(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it ended a moment ago: SIGCHLD follows


def bury(server: int) -> int | None:
    """Buries all that have ended. The server's status, once it has."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == server:
            return status
        if pid == 0:
            return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
