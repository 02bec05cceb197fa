"""The user's configuration for Python's logging: a file as gunicorn and uvicorn take it, or a dictionary."""

from __future__ import annotations

import json
import logging.config
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    LogDict = Dict[str, Any]


def apply_dict(config: LogDict) -> None:
    """As gunicorn: what the dictionary leaves out is filled in, so that one with loggers alone will do."""
    logging.config.dictConfig({**_defaults(), **config})


def apply_json(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        apply_dict(json.load(file))


def apply_file(path: str) -> None:
    """As uvicorn: .json and .yaml hold logging.config's dictionary, anything else is its .ini form."""
    if path.endswith(".json"):
        with open(path, encoding="utf-8") as file:
            logging.config.dictConfig(json.load(file))
    elif path.endswith((".yaml", ".yml")):
        try:
            import yaml  # type: ignore[import-untyped, import-not-found, unused-ignore]
        except ImportError:
            raise ImportError("PyYAML is not installed for this Python") from None
        with open(path, encoding="utf-8") as file:
            logging.config.dictConfig(yaml.safe_load(file))
    elif not os.path.isfile(path):
        raise FileNotFoundError(path)  # fileConfig takes a missing file for an empty one before Python 3.12
    else:
        places = {"__file__": path, "here": os.path.dirname(path)}
        logging.config.fileConfig(path, defaults=places, disable_existing_loggers=False)


def _defaults() -> LogDict:
    """The names that gunicorn's own dictionary has, which users' dictionaries refer to."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "root": {"level": "INFO", "handlers": ["console"]},
        "loggers": {
            name: {"level": "INFO", "handlers": [handler], "propagate": True, "qualname": name}
            for name, handler in (("gunicorn.error", "error_console"), ("gunicorn.access", "console"))
        },
        "handlers": {
            name: {"class": "logging.StreamHandler", "formatter": "generic", "stream": f"ext://sys.{stream}"}
            for name, stream in (("console", "stdout"), ("error_console", "stderr"))
        },
        "formatters": {
            "generic": {
                "format": "%(asctime)s [%(process)d] [%(levelname)s] %(message)s",
                "datefmt": "[%Y-%m-%d %H:%M:%S %z]",
                "class": "logging.Formatter",
            }
        },
    }
