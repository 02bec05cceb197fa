"""Which interface a callable speaks, by its looks: nothing is called. `inspect` would cost every worker memory."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    #: "wsgi", "asgi3", "asgi2", or "" for callables that show nothing (built-in, compiled, *args).
    Interface = str

_CO_VARARGS = 0x04
_CO_COROUTINE = 0x80
#: How many partials and decorators are looked through.
LAYERS_MAX = 32


def interface_of(app: Any) -> Interface:
    for _ in range(LAYERS_MAX):
        found = _interface_of_layer(app)
        if found:
            return found
        inner = _inner(app)
        if inner is None:
            return ""
        app = inner
    return ""


def _inner(app: Any) -> Any:
    """What a functools.partial or a decorator with functools.wraps is about."""
    if hasattr(app, "func") and hasattr(app, "keywords"):
        return app.func
    return getattr(app, "__wrapped__", None)


def _interface_of_layer(app: Any) -> Interface:
    if isinstance(app, type):
        return _interface_of_class(app)
    if hasattr(app, "func") and hasattr(app, "keywords"):
        return _interface_of_partial(app)
    function = app if _code(app) is not None else _method(type(app), "__call__")
    if is_coroutine_function(app) or is_coroutine_function(function):
        return "asgi3"
    names = _positional(function)
    if names is None:
        return ""
    return {1: "asgi2", 2: "wsgi", 3: "asgi3"}.get(len(names), "wsgi" if names else "")


def _interface_of_partial(app: Any) -> Interface:
    """Arguments that it brings do not count; whether it is a coroutine function is its function's to say."""
    if app.args or app.keywords:
        names = _positional(app.func if _code(app.func) is not None else _method(type(app.func), "__call__"))
        left = [name for name in names or () if name not in app.keywords][len(app.args) :]
        is_coroutine = is_coroutine_function(app.func)
        return "asgi3" if is_coroutine else {1: "asgi2", 2: "wsgi", 3: "asgi3"}.get(len(left), "")
    return ""


def _interface_of_class(app: type) -> Interface:
    """Calling a class makes an instance: awaited (ASGI 3), called with receive and send (ASGI 2), or iterated (WSGI)."""
    if _method(app, "__await__") is not None:
        return "asgi3"
    if is_coroutine_function(_method(app, "__call__")):
        return "asgi2"
    return "wsgi" if _method(app, "__iter__") is not None else ""


def is_coroutine_function(function: Any) -> bool:
    """Marked ones too: inspect.markcoroutinefunction and asgiref's twin for older Pythons."""
    code = _code(function)
    is_marked = getattr(function, "_is_coroutine_mark", None) or getattr(function, "_is_coroutine", None)
    return bool(is_marked) or (code is not None and bool(code.co_flags & _CO_COROUTINE))


def _positional(function: Any) -> list[str] | None:
    """The names that a call must fill by position; None when they cannot be seen. A bound `self` does not count."""
    code = _code(function)
    if code is None or (code.co_flags & _CO_VARARGS and code.co_argcount <= 1):
        return None
    plain = getattr(function, "__func__", function)
    names = list(code.co_varnames[: code.co_argcount])
    if names and names[0] in ("self", "cls"):
        names = names[1:]
    optional = len(getattr(plain, "__defaults__", None) or ())
    required = names[: len(names) - optional]
    return names[:3] if names[:3] == ["scope", "receive", "send"] else required


def _method(kind: type, name: str) -> Any:
    """Its own or inherited one, not the metaclass's."""
    found = next((base.__dict__[name] for base in kind.__mro__ if name in base.__dict__), None)
    return getattr(found, "__func__", found)  # static and class methods


def _code(function: Any) -> Any:
    return getattr(getattr(function, "__func__", function), "__code__", None)


def from_asgi2(app: Callable[[Any], Any]) -> Any:
    """An ASGI 2 app (a callable that makes a coroutine function for each scope) as an ASGI 3 one."""

    async def asgi3(scope: Any, receive: Any, send: Any) -> None:
        instance = app(scope)
        await instance(receive, send)

    return asgi3
