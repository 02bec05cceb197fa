"""What frameworks do for developers in their own servers and nobody does for them elsewhere. Only with --reload."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DJANGO_HANDLERS = {
    "django.core.handlers.wsgi": "StaticFilesHandler",
    "django.core.handlers.asgi": "ASGIStaticFilesHandler",
}
_FLASK_AND_QUART = {"flask.app.Flask", "quart.app.Quart"}


def prepared(app: Any) -> Any:
    """`app`, or what stands in its place."""
    _let_exceptions_out(app)
    return _with_static_files(app)


def _let_exceptions_out(app: Any) -> None:
    """These answer 500 and tell the browser nothing. What comes out is shown instead, as with their debug modes."""
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(app).__mro__}
    if kinds & _FLASK_AND_QUART:
        if app.config.get("PROPAGATE_EXCEPTIONS") is None:
            app.config["PROPAGATE_EXCEPTIONS"] = True
    elif "bottle.Bottle" in kinds:
        app.catchall = False


def _with_static_files(app: Any) -> Any:
    """A Django application in the handler that runserver puts around it: with DEBUG it serves static files from the folders
    of the project's applications, and who comes from there has never collected them.
    """
    handler = _DJANGO_HANDLERS.get(type(app).__module__)
    if handler is None:
        return app
    from django.apps import apps  # type: ignore[import-not-found, import-untyped, unused-ignore]
    from django.conf import settings  # type: ignore[import-not-found, import-untyped, unused-ignore]

    if not settings.DEBUG or not apps.is_installed("django.contrib.staticfiles"):
        return app
    from django.contrib.staticfiles import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
        handlers,
    )

    return getattr(handlers, handler)(app)
