"""Where a Django project keeps its static and media files, for --static-django: told to the front, which serves them."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def find_folders(which: str) -> dict[str, Any]:
    """{"folders": [{"url", "root"}, ...], "problems": [text, ...]}; `which`: "static" or "all" (media as well)."""
    folders: list[dict[str, str]] = []
    problems: list[str] = []
    settings = _settings()
    if settings is None:
        problems.append("the application has not loaded Django")
        return {"folders": folders, "problems": problems}
    for kind in ("STATIC", "MEDIA") if which == "all" else ("STATIC",):
        url, root = getattr(settings, kind + "_URL", None), getattr(settings, kind + "_ROOT", None)
        problem = _problem(kind, url, root)
        if problem:
            problems.append(problem)
        else:
            folders.append({"url": str(url), "root": os.path.abspath(str(root))})
    return {"folders": folders, "problems": problems}


def _settings() -> Any:
    """Of what is loaded already: an application that is no Django project must not become one."""
    conf = sys.modules.get("django.conf")
    settings = getattr(conf, "settings", None)
    return settings if getattr(settings, "configured", False) else None


def _problem(kind: str, url: Any, root: Any) -> str:
    hint = "; set it and run manage.py collectstatic" if kind == "STATIC" else ""
    if not root:
        return f"{kind}_ROOT is not set{hint}"
    if not url or not str(url).startswith("/") or str(url) == "/":
        return f"{kind}_URL is {url!r}, which is no folder of this site"
    if not os.path.isdir(str(root)):
        hint = "; run manage.py collectstatic" if kind == "STATIC" else ""
        return f"{kind}_ROOT is {str(root)!r}, which does not exist yet{hint}"
    return ""
