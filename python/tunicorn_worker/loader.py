"""From what the user named to a callable application. A failure says at which step, why, and what to try."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys

from .attribute import call, find, is_dotted, split_call
from .boot_error import EXIT_APP, BootError, listing, suggestion
from .green import refuse_green_libraries
from .interface import from_asgi2, interface_of
from .tracebacks import summary, trimmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable

    from .control import Settings

WORKER_CLASSES = ("auto", "sync", "gthread", "asgi")


def load_app(settings: Settings, on_step: Callable[[str], None]) -> tuple[Any, str]:
    """The application callable and its interface, "wsgi" or "asgi" (3: an ASGI 2 app is wrapped). Raises BootError.

    `enter` comes first.
    """
    try:
        loaded = _load(settings, on_step)
    except BootError as error:
        # What it has replaced may be why the application does not load.
        refuse_green_libraries(error)
        raise
    refuse_green_libraries()
    return loaded


def _load(settings: Settings, on_step: Callable[[str], None]) -> tuple[Any, str]:
    target, attribute = split_target(settings.app)
    on_step("import")
    module = _import(target)
    on_step("attribute")
    name, arguments = split_call(attribute)
    found = find(module, name)
    if arguments is not None:
        on_step("call")
        found = call(found, attribute, arguments)
    return _checked(found, settings)


def split_target(app: str) -> tuple[str, str]:
    """`module:attr` or `path/to/app.py:attr`; the attribute may be missing."""
    match = re.fullmatch(r"(.*\.py)(?::(.*))?", app, re.DOTALL)
    if match is None:
        match = re.fullmatch(r"([^:]*)(?::(.*))?", app, re.DOTALL)
    if match is None or not match.group(1):
        raise BootError(
            "import", f"{app!r} names no application", "give it as module:attribute, such as app:app"
        )
    return match.group(1), match.group(2) or ""


def enter(settings: Settings) -> None:
    """To the app's folder, with sys.path as the app expects it."""
    if settings.worker_class not in WORKER_CLASSES:
        raise BootError("interpreter", f"there is no {settings.worker_class} worker in this version")
    folder = settings.chdir or os.getcwd()
    try:
        os.chdir(folder)
    except OSError as error:
        raise BootError("chdir", f"cannot change to {folder}: {error.strerror}") from error
    if "" in sys.path:
        sys.path.remove("")
    for path in [folder, *reversed(settings.python_path)]:
        if path in sys.path:
            sys.path.remove(path)
        sys.path.insert(0, os.path.abspath(path))
    _move_to_front(folder)


def _move_to_front(folder: str) -> None:
    """The app's folder first, as gunicorn has it; --pythonpath follows."""
    folder = os.path.abspath(folder)
    sys.path.remove(folder)
    sys.path.insert(0, folder)


# -- import


def _import(target: str) -> ModuleType:
    name = _module_of_file(target) if target.endswith(".py") else target
    if not target.endswith(".py") and not is_dotted(name):
        raise BootError("import", f"{target!r} is not a module name", _file_hint(target))
    try:
        if not is_dotted(name):
            return _import_file(target, name)
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise _module_missing(name, error) from error
    except BaseException as error:
        raise BootError(
            "import", f"importing {target} failed: {summary(error)}", "", trimmed(error)
        ) from error


def _module_of_file(path: str) -> str:
    """The dotted name of a .py file; the folder above its outermost package goes to the front of sys.path."""
    if not os.path.isfile(path):
        folder = os.path.dirname(path) or "."
        raise BootError(
            "import", f"there is no file {path}", listing(f"Python files in {folder}", _files_in(folder))
        )
    folder, file = os.path.split(os.path.abspath(path))
    parts = [file[:-3]]
    while os.path.isfile(os.path.join(folder, "__init__.py")) and os.path.dirname(folder) != folder:
        folder, package = os.path.split(folder)
        parts.insert(0, package)
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    return ".".join(parts)


def _import_file(path: str, name: str) -> ModuleType:
    """A file whose name is no identifier, such as my-app.py."""
    spec = importlib.util.spec_from_file_location(name, os.path.abspath(path))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _module_missing(name: str, error: ModuleNotFoundError) -> BootError:
    missing = error.name or ""
    if missing != name and not name.startswith(missing + "."):
        hint = f"is {missing.partition('.')[0]} installed for {sys.executable}?"
        return BootError("import", f"importing {name} failed: {summary(error)}", hint, trimmed(error))
    if os.path.isfile(name) or os.path.isfile(name.replace(".", os.sep) + ".py"):
        return BootError("import", f"there is no module {missing}", _file_hint(name))
    package, _, leaf = name.rpartition(".")
    folder = os.path.join(os.getcwd(), *package.split(".")) if missing == name and package else os.getcwd()
    names = _modules_in(folder)
    hint = listing(f"modules in {folder}", names)
    return BootError("import", f"there is no module {missing}", suggestion(leaf, names) + hint)


def _file_hint(target: str) -> str:
    path = target.replace(".", os.sep) + ".py"
    if os.path.isfile(path):
        return f"did you mean {path}?"
    module = target.replace("/", ".").strip(".")
    return (
        f"did you mean {module}?"
        if is_dotted(module)
        else "modules are named with dots, as in package.module"
    )


def _modules_in(folder: str) -> list[str]:
    names = [file[:-3] for file in _files_in(folder) if is_dotted(file[:-3])]
    packages = [
        entry for entry in _entries(folder) if os.path.isfile(os.path.join(folder, entry, "__init__.py"))
    ]
    return sorted(set(names + packages) - {"__init__"})


def _files_in(folder: str) -> list[str]:
    return [entry for entry in _entries(folder) if entry.endswith(".py")]


def _entries(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []  # a hint only: no folder, no names


# -- judgement


def _checked(app: Any, settings: Settings) -> tuple[Any, str]:
    if not callable(app):
        hint = "does its factory return the application?" if app is None else ""
        message = f"{settings.app} is {type(app).__name__}, which cannot be called"
        raise BootError("attribute", message, hint, exit_code=EXIT_APP)
    if settings.interface == "auto":
        return _judged(app, interface_of(app), settings)
    return _as_interface(app, settings.interface)


def _as_interface(app: Any, interface: str) -> tuple[Any, str]:
    if interface == "asgi2":
        return from_asgi2(app), "asgi"
    return app, "wsgi" if interface == "wsgi" else "asgi"


def _judged(app: Any, looks: str, settings: Settings) -> tuple[Any, str]:
    """By its looks; where it shows none, by what the worker runs."""
    kind = settings.worker_class
    if kind == "auto":
        return _as_interface(app, looks or "wsgi")
    wanted = "asgi" if kind == "asgi" else "wsgi"
    if looks and not looks.startswith(wanted):
        own, others = ("an ASGI", "WSGI") if wanted == "wsgi" else ("a WSGI", "ASGI")
        message = f"{settings.app} is {own} application; {kind} workers run {others} applications"
        hint = "leave --worker-class (-k) and --threads out, or name the interface with --interface"
        raise BootError("attribute", message, hint, exit_code=EXIT_APP)
    return _as_interface(app, looks or ("asgi3" if wanted == "asgi" else "wsgi"))
