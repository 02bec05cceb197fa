"""Django in one file, with the middleware that needs no database: `/` is plain, `/page` has a template."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

# About 1 ms of work.
ROWS_COUNT = 15

settings.configure(
    ALLOWED_HOSTS=["*"],
    DEBUG=False,
    ROOT_URLCONF=__name__,
    SECRET_KEY="measured, never deployed",
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [str(Path(__file__).parent / "templates")],
        }
    ],
)


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Hello, world!\n", content_type="text/plain")


def page(request: HttpRequest) -> HttpResponse:
    rows = [{"name": f"item {i}", "price": i * 1.5, "stock": i % 7} for i in range(ROWS_COUNT)]
    return render(request, "page.html", {"title": "price list", "rows": rows})


urlpatterns = [path("", plain), path("page", page)]
wsgi = get_wsgi_application()
asgi = get_asgi_application()
