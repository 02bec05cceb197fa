"""Django's static files for a developer: with DEBUG its `runserver` serves them from the applications' folders, and who comes
from there has never collected them. Only with --reload, and only for `/static/` (STATIC_URL).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HANDLERS = {
    "django.core.handlers.wsgi": "StaticFilesHandler",
    "django.core.handlers.asgi": "ASGIStaticFilesHandler",
}


def with_static_files(app: Any) -> Any:
    """`app` in the handler that runserver puts around it; `app` itself where that does not apply."""
    handler = _HANDLERS.get(type(app).__module__)
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
