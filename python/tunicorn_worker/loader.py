"""From what the user named to a callable application. A failure says at which step, why, and what to try."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys

from .boot_error import EXIT_APP, BootError
from .interface import from_asgi2, interface_of
from .tracebacks import summary, trimmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable, Iterable

    from .control import Settings

WORKER_CLASSES = ("auto", "sync", "gthread", "asgi")
DEFAULT_NAMES = ("application", "app")
FACTORY_NAMES = ("create_app", "make_app", "create_application", "get_wsgi_application", "factory")
NAMES_SHOWN_MAX = 12

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def load_app(settings: Settings, on_step: Callable[[str], None]) -> tuple[Any, str]:
    """The application callable and its interface, "wsgi" or "asgi" (3: an ASGI 2 app is wrapped). Raises BootError.

    `enter` comes first.
    """
    target, attribute = split_target(settings.app)
    on_step("import")
    module = _import(target)
    on_step("attribute")
    name, arguments = _split_call(attribute)
    found = _find(module, name)
    if arguments is not None:
        on_step("call")
        found = _call(found, attribute, arguments)
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
    if not target.endswith(".py") and not _DOTTED.fullmatch(name):
        raise BootError("import", f"{target!r} is not a module name", _file_hint(target))
    try:
        if not _DOTTED.fullmatch(name):
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
            "import", f"there is no file {path}", _listing(f"Python files in {folder}", _files_in(folder))
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
    hint = _listing(f"modules in {folder}", names)
    return BootError("import", f"there is no module {missing}", _suggestion(leaf, names) + hint)


def _file_hint(target: str) -> str:
    path = target.replace(".", os.sep) + ".py"
    if os.path.isfile(path):
        return f"did you mean {path}?"
    module = target.replace("/", ".").strip(".")
    return (
        f"did you mean {module}?"
        if _DOTTED.fullmatch(module)
        else "modules are named with dots, as in package.module"
    )


def _modules_in(folder: str) -> list[str]:
    names = [file[:-3] for file in _files_in(folder) if _DOTTED.fullmatch(file[:-3])]
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


# -- attribute and call


def _split_call(attribute: str) -> tuple[str, Any]:
    """`a.b` → ("a.b", None); `factory(1, k="x")` → ("factory", (args, kwargs)). Literals only: this is no
    place for code.
    """
    if "(" not in attribute:
        if attribute and not _DOTTED.fullmatch(attribute):
            raise _not_an_attribute(attribute)
        return attribute, None
    import ast  # rarely needed, and large

    try:
        call = ast.parse(attribute, mode="eval").body
        if not isinstance(call, ast.Call):
            raise ValueError(attribute)
        name = ast.unparse(call.func) if hasattr(ast, "unparse") else attribute.partition("(")[0].strip()
        args = [ast.literal_eval(arg) for arg in call.args]
        kwargs = {
            str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg
        }
    except (SyntaxError, ValueError):
        raise _not_an_attribute(attribute) from None
    if not _DOTTED.fullmatch(name) or len(kwargs) != len(call.keywords):
        raise _not_an_attribute(attribute)
    return name, (args, kwargs)


def _not_an_attribute(attribute: str) -> BootError:
    hint = "write attr, attr.attr, or factory('literal', key=1) with literals only"
    return BootError(
        "attribute", f"{attribute!r} is neither an attribute nor a call", hint, exit_code=EXIT_APP
    )


def _find(module: ModuleType, name: str) -> Any:
    if not name:
        return _find_default(module)
    found: Any = module
    path = module.__name__
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise _attribute_missing(found, path, part) from None
        path += ("." if ":" in path else ":") + part
    return found


def _find_default(module: ModuleType) -> Any:
    for name in DEFAULT_NAMES:
        if hasattr(module, name):
            return getattr(module, name)
    factory = next((name for name in FACTORY_NAMES if callable(getattr(module, name, None))), None)
    hint = f"did you mean {module.__name__}:{factory}()? " if factory else ""
    hint += _listing(f"callables in {module.__name__}", _callables(module))
    message = f"{module.__name__} has neither `application` nor `app`"
    raise BootError("attribute", message, hint, exit_code=EXIT_APP)


def _attribute_missing(owner: Any, path: str, name: str) -> BootError:
    names = _callables(owner)
    hint = _suggestion(name, names) + _listing(f"callables in {path}", names)
    return BootError("attribute", f"{path} has no attribute {name}", hint, exit_code=EXIT_APP)


def _callables(owner: Any) -> list[str]:
    """What could be meant: the module's own callables before those it imported."""
    home = getattr(owner, "__name__", "")
    members: dict[str, Any] = getattr(owner, "__dict__", {})
    names = [name for name, value in members.items() if callable(value) and not name.startswith("_")]
    return sorted(
        names, key=lambda name: (getattr(members[name], "__module__", "") != home, names.index(name))
    )


def _call(factory: Any, text: str, arguments: Any) -> Any:
    if not callable(factory):
        message = f"{text.partition('(')[0]} is {type(factory).__name__}, which cannot be called"
        raise BootError("call", message, exit_code=EXIT_APP)
    args, kwargs = arguments
    try:
        return factory(*args, **kwargs)
    except BaseException as error:
        raise BootError("call", f"{text} failed: {summary(error)}", "", trimmed(error)) from error


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


def _listing(title: str, names: Iterable[str]) -> str:
    shown = list(names)
    if not shown:
        return f"{title}: none"
    more = ", …" if len(shown) > NAMES_SHOWN_MAX else ""
    return f"{title}: {', '.join(shown[:NAMES_SHOWN_MAX])}{more}"


def _suggestion(name: str, names: list[str]) -> str:
    import difflib  # failures only

    close = difflib.get_close_matches(name, names, 1)
    return f"did you mean {close[0]}? " if close else ""
