"""What the user named inside of a module: an attribute, a dotted one, a factory's call, or nothing. A failure says what there is
instead.
"""

from __future__ import annotations

import re

from .boot_error import EXIT_APP, BootError, listing, suggestion
from .tracebacks import summary, trimmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

DEFAULT_NAMES = ("application", "app")
FACTORY_NAMES = ("create_app", "make_app", "create_application", "get_wsgi_application", "factory")

is_dotted = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*").fullmatch


def split_call(attribute: str) -> tuple[str, Any]:
    """`a.b` → ("a.b", None); `factory(1, k="x")` → ("factory", (args, kwargs)). Literals only: this is no
    place for code.
    """
    if "(" not in attribute:
        if attribute and not is_dotted(attribute):
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
    if not is_dotted(name) or len(kwargs) != len(call.keywords):
        raise _not_an_attribute(attribute)
    return name, (args, kwargs)


def _not_an_attribute(attribute: str) -> BootError:
    hint = "write attr, attr.attr, or factory('literal', key=1) with literals only"
    return BootError(
        "attribute", f"{attribute!r} is neither an attribute nor a call", hint, exit_code=EXIT_APP
    )


def find(module: ModuleType, name: str) -> Any:
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
    hint += listing(f"callables in {module.__name__}", _callables(module))
    message = f"{module.__name__} has neither `application` nor `app`"
    raise BootError("attribute", message, hint, exit_code=EXIT_APP)


def _attribute_missing(owner: Any, path: str, name: str) -> BootError:
    names = _callables(owner)
    hint = suggestion(name, names) + listing(f"callables in {path}", names)
    return BootError("attribute", f"{path} has no attribute {name}", hint, exit_code=EXIT_APP)


def _callables(owner: Any) -> list[str]:
    """What could be meant: the module's own callables before those it imported."""
    home = getattr(owner, "__name__", "")
    members: dict[str, Any] = getattr(owner, "__dict__", {})
    names = [name for name, value in members.items() if callable(value) and not name.startswith("_")]
    return sorted(
        names, key=lambda name: (getattr(members[name], "__module__", "") != home, names.index(name))
    )


def call(factory: Any, text: str, arguments: Any) -> Any:
    if not callable(factory):
        message = f"{text.partition('(')[0]} is {type(factory).__name__}, which cannot be called"
        raise BootError("call", message, exit_code=EXIT_APP)
    args, kwargs = arguments
    try:
        return factory(*args, **kwargs)
    except BaseException as error:
        raise BootError("call", f"{text} failed: {summary(error)}", "", trimmed(error)) from error
