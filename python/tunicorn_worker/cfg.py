"""`cfg`, as hooks read it: every setting by gunicorn's name, with gunicorn's values."""

from __future__ import annotations

import os

from .identity import find_group, find_user

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Setting:
    """An item of `cfg.settings`."""

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value

    def get(self) -> Any:
        return self.value


class Cfg:
    """Read-only but for attributes that a hook adds: what runs is configured already."""

    def __init__(self, values: dict[str, Any], hooks: dict[str, Any]) -> None:
        self.settings = {name: Setting(name, value) for name, value in {**values, **hooks}.items()}

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["settings"][name].value
        except KeyError:
            raise AttributeError(f"No configuration setting for: {name}") from None

    @property
    def address(self) -> list[Any]:
        return [parsed_address(text) for text in self.settings["bind"].value]

    @property
    def env(self) -> dict[str, str]:
        pairs = (pair.partition("=") for pair in self.settings["raw_env"].value)
        return {name: value for name, _, value in pairs}

    @property
    def uid(self) -> int:
        """As a number, whatever the setting is. Raises KeyError."""
        return find_user(str(self.settings["user"].value or ""))[0]

    @property
    def gid(self) -> int:
        group = str(self.settings["group"].value or "")
        return find_group(group) if group else os.getegid()

    #: gunicorn's names for the same numbers.
    user, group = uid, gid

    @property
    def is_ssl(self) -> bool:
        return False

    @property
    def uri(self) -> str:
        return str(self.settings["worker_class"].value)

    @property
    def worker_class_str(self) -> str:
        return str(self.settings["worker_class"].value)


def parsed_address(text: str) -> Any:
    """(host, port), a Unix socket's path, or the number of a descriptor."""
    for scheme in ("http://", "https://", "tcp://"):
        if text.startswith(scheme):
            text = text[len(scheme) :]
    if text.startswith("unix:"):
        return text[5:]
    if text.startswith("fd://"):
        return int(text[5:])
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
