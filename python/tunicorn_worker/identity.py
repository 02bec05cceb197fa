"""Who a worker runs as: --user, --group, --initgroups, when root has started the server."""

from __future__ import annotations

import os

from .boot_error import BootError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .control import Settings


#: Thousandths of the memory there is (or of the control group's limit), by which a worker seems larger than it is.
OOM_POINTS = 100
OOM_FILE = "/proc/self/oom_score_adj"


def be_the_first_to_go() -> None:
    """Where memory is used up, the kernel shall end a worker, whose requests are a few and whose successor comes at once, not
    the front with all clients. Linux; elsewhere, and where it is not permitted, it stays the kernel's choice (proc(5)).
    """
    try:
        with open(OOM_FILE, "r+", encoding="ascii") as file:
            points = int(file.read())
            file.seek(0)
            file.write(str(min(points + OOM_POINTS, 1000)))
    except (OSError, ValueError):
        pass


def become_user(settings: Settings) -> None:
    """For good. Raises BootError. All threads change: the C library sees to that."""
    if not settings.user and not settings.group:
        return
    try:
        uid, name, own_gid = find_user(settings.user)
        gid = find_group(settings.group) if settings.group else own_gid
        _become(uid, gid, name if settings.init_groups else "")
    except (KeyError, OSError) as error:
        target = f"{settings.user or '-'}:{settings.group or '-'}"
        raise BootError("interpreter", f"cannot become {target}: {error}") from error
    _check_library(settings)


def _check_library(settings: Settings) -> None:
    """Modules are imported for as long as a worker lives: one that cannot read them fails in odd places."""
    for what, file in (("Python's library", os.__file__), ("the server's package", __file__)):
        folder = os.path.dirname(file)
        if os.access(folder, os.R_OK | os.X_OK):
            continue
        who = settings.user or f"of group {settings.group}"
        hint = f"let that user read {folder}, or install it where all may, such as below /usr/local or /opt"
        raise BootError("interpreter", f"the user {who} cannot read {what}", hint)


def _become(uid: int, gid: int, name: str) -> None:
    if os.geteuid() == 0:
        if name:
            os.initgroups(name, gid)
        else:
            os.setgroups([gid])
    if gid != os.getegid():
        os.setgid(gid)
    if uid != os.geteuid():
        os.setuid(uid)


def find_user(user: str) -> tuple[int, str, int]:
    """Its number, its name ("" when only the number is known), and its group."""
    if not user:
        return os.geteuid(), "", os.getegid()
    import pwd

    try:
        entry = pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
    except KeyError:
        if not user.isdigit():
            raise
        return int(user), "", os.getegid()
    # As gunicorn: the group stays what it is unless it is named.
    return entry.pw_uid, entry.pw_name, os.getegid()


def find_group(group: str) -> int:
    if group.isdigit():
        return int(group)
    import grp

    return grp.getgrnam(group).gr_gid
