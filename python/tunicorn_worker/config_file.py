"""gunicorn.conf.py: run once in each generation's forkserver. Values go to the arbiter, which knows the
settings; functions stay here, where they are called.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType

from .hooks import HOOKS, arity_of
from .tracebacks import summary, trimmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .control import Message

    Hook = Callable[..., Any]

#: The name under which the file's module is found, as in gunicorn.
MODULE_NAME = "__config__"
REPR_CHARACTERS_MAX = 80

REFUSED_HOOKS = {
    "ssl_context": (
        "TLS is spoken by the server, not by Python, so no SSLContext of Python's is ever used; say what it would hold by "
        "--certfile, --tls-certificate (further ones, chosen by name), --tls-version-min, --ciphers, --ca-certs and --cert-reqs"
    ),
}
#: Nobody calls them: the settings that ask for dirty workers are refused.
DIRTY_HOOKS = ("on_dirty_starting", "dirty_post_fork", "dirty_worker_init", "dirty_worker_exit")
#: Settings whose class may be given as an object.
CLASS_SETTINGS = ("logger_class", "worker_class")


class Evaluation:
    """What a configuration file says."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        #: Values that are no JSON, by their repr: a fault where the name is a setting's.
        self.opaque: dict[str, str] = {}
        #: The file's own functions that are no hooks: helpers, or slips of the pen.
        self.functions: list[str] = []
        self.hooks: dict[str, Hook] = {}
        self.problems: list[dict[str, str]] = []
        self.failure: dict[str, str] | None = None
        #: Everything that the file defines, as it is.
        self.namespace: dict[str, Any] = {}

    def message(self) -> Message:
        return {
            "type": "evaluated",
            "values": self.values,
            "opaque": self.opaque,
            "functions": self.functions,
            "hooks": sorted(self.hooks),
            "problems": self.problems,
            "failure": self.failure,
        }


def evaluate(kind: str, name: str) -> Evaluation:
    """`kind` is "file" (`name` an absolute path) or "module". Never raises: a failure is in the result."""
    result = Evaluation()
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        result.namespace = vars(importlib.import_module(name) if kind == "module" else _run_file(name))
    except BaseException as error:
        result.failure = {
            "message": summary(error),
            "traceback": trimmed(error),
            "hint": _hint(error, name),
        }
        return result
    for key, value in result.namespace.items():
        if not key.startswith("_"):
            _sort(result, key, value)
    return result


def _run_file(path: str) -> ModuleType:
    """Whatever its extension, as gunicorn has it. No bytecode is kept: a file that is changed twice within a
    second is read twice.
    """
    spec = importlib.util.spec_from_file_location(
        MODULE_NAME, path, loader=SourceFileLoader(MODULE_NAME, path)
    )
    if spec is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE_NAME] = module
    with open(path, "rb") as file:
        exec(compile(file.read(), path, "exec", dont_inherit=True), module.__dict__)
    return module


def _hint(error: BaseException, name: str) -> str:
    if isinstance(error, ModuleNotFoundError) and str(error.name).partition(".")[0] == "gunicorn":
        return (
            "the file uses gunicorn's own modules: leave gunicorn installed beside tunicorn, or take that import out; "
            "hooks and settings need none"
        )
    if isinstance(error, ModuleNotFoundError) and error.name != name:
        return f"is {str(error.name).partition('.')[0]} installed for {sys.executable}?"
    if isinstance(error, ModuleNotFoundError):
        return f"a module is looked for in {os.getcwd()} and on PYTHONPATH"
    if isinstance(error, SystemExit):
        return "the file ends the process; a configuration file only sets values and defines hooks"
    return ""


def _sort(result: Evaluation, name: str, value: Any) -> None:
    if name in DIRTY_HOOKS:
        return
    if name in HOOKS or name in REFUSED_HOOKS:
        _take_hook(result, name, value)
    elif name in CLASS_SETTINGS and callable(value):
        result.values[name] = f"{value.__module__}.{value.__qualname__}"
    elif name == "logconfig_dict" and isinstance(value, dict):
        # Its classes and streams are used here; the arbiter only wants to know that it is there.
        result.values[name] = json.loads(json.dumps(value, default=repr, skipkeys=True))
    elif callable(value):
        if getattr(value, "__module__", "") == MODULE_NAME and not isinstance(value, type):
            result.functions.append(name)
    elif not isinstance(value, ModuleType):
        _take_value(result, name, value)


def _take_value(result: Evaluation, name: str, value: Any) -> None:
    try:
        result.values[name] = json.loads(json.dumps(_plain(value), allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        result.opaque[name] = repr(value)[:REPR_CHARACTERS_MAX]


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _take_hook(result: Evaluation, name: str, value: Any) -> None:
    if value is None:
        return
    if name in REFUSED_HOOKS:
        result.problems.append({"name": name, "reason": REFUSED_HOOKS[name]})
        return
    try:
        hook = _load(value) if isinstance(value, str) else value
    except (ImportError, AttributeError, ValueError) as error:
        result.problems.append({"name": name, "reason": f"cannot load the hook {value!r}: {error}"})
        return
    arity = arity_of(hook, HOOKS[name])
    if arity:
        result.hooks[name] = hook
    else:
        wanted = " or ".join(str(count) for count in sorted(HOOKS[name]))
        result.problems.append({"name": name, "reason": f"expected a function of {wanted} arguments"})


def _load(dotted: str) -> Any:
    module, _, attribute = dotted.rpartition(".")
    return getattr(importlib.import_module(module), attribute)
