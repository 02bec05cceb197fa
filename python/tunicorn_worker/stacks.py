"""What the process is doing, as text: the stacks of all threads and of the event loop's tasks."""

from __future__ import annotations

import sys
import threading
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Iterable

#: Characters in all: the answer must fit into a control message.
TEXT_MAX = 200_000
#: Tasks with the same stack are shown once; so many different ones.
KINDS_MAX = 50
FRAMES_MAX = 50


def thread_stacks() -> str:
    """All threads but the calling one."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    own = threading.get_ident()
    parts = []
    for ident, frame in sys._current_frames().items():
        if ident != own:
            title = f"Thread {names.get(ident, '?')} ({ident}), most recent call last:"
            parts.append(f"{title}\n{stack_of(frame)}")
    return bounded("\n".join(parts))


def main_stack() -> str:
    """The main thread's, which runs the app."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    return stack_of(frame).rstrip("\n") if frame is not None else "  unknown"


def stack_of(frame: FrameType) -> str:
    return "".join(traceback.format_stack(frame, FRAMES_MAX))


def task_stacks(tasks: Iterable[Any]) -> str:
    """Tasks grouped by where they wait. Another thread's tasks may move meanwhile: such a one is left out."""
    kinds: dict[str, int] = {}
    for task in tasks:
        try:
            text = task_stack(task)
        except (RuntimeError, ValueError, AttributeError):
            continue
        kinds[text] = kinds.get(text, 0) + 1
    most = sorted(kinds.items(), key=lambda item: -item[1])
    parts = [f"{count} × task, most recent call last:\n{text}" for text, count in most[:KINDS_MAX]]
    if len(most) > KINDS_MAX:
        parts.append(f"and {len(most) - KINDS_MAX} other places\n")
    return bounded("\n".join(parts))


def task_stack(task: Any) -> str:
    return "".join(_awaited(task.get_coro())) or "  (finished)\n"


def _awaited(coroutine: Any) -> Iterable[str]:
    """From the task's own coroutine to what it waits in; Task.get_stack shows the first frame only."""
    for _ in range(FRAMES_MAX):
        frame = _attribute(coroutine, "cr_frame", "gi_frame", "ag_frame")
        if frame is not None:
            yield from traceback.format_stack(frame, 1)
        coroutine = _attribute(coroutine, "cr_await", "gi_yieldfrom", "ag_await")
        if coroutine is None:
            return


def _attribute(value: Any, *names: str) -> Any:
    return next((getattr(value, name) for name in names if hasattr(value, name)), None)


def bounded(text: str) -> str:
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + "\n… (cut)\n"
