"""What the forkserver hands over to a worker that it forks."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .control import Message, Settings
    from .hooks import Hooks, Worker


class Job:
    """What a worker is told at its birth."""

    def __init__(self, settings: Settings, control: Message, generation: int, nr: int, age: int) -> None:
        self.settings = settings
        #: Where the arbiter listens for workers; "@name" is an abstract Unix socket.
        self.address: str = control["address"]
        self.token: str = control["token"]
        self.generation = generation
        self.nr = nr
        self.age = age
        #: The configuration file's, and what they are given for this worker.
        self.hooks: Hooks | None = None
        self.worker: Worker | None = None
        #: The preloaded application and its interface.
        self.app: tuple[Any, str] | None = None
