"""The frameworks' common routes, in a Django project of one file."""

import hashlib
from wsgiref.validate import validator

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.template import Context, Engine
from django.urls import path

settings.configure(
    SECRET_KEY="for tests only",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "root": {"handlers": ["console"]},
    },
    FILE_UPLOAD_MAX_MEMORY_SIZE=65536,
    DATA_UPLOAD_MAX_MEMORY_SIZE=100_000_000,
)

TEMPLATE = Engine().from_string("hello {{ name }}")


def index(request):
    return HttpResponse("hello from Django")


def hello(request, name):
    return HttpResponse(TEMPLATE.render(Context({"name": name})))


def show_json(request):
    return JsonResponse({"query": request.GET.get("q"), "scheme": request.scheme, "host": request.get_host()})


def form(request):
    return HttpResponse("field=" + request.POST["field"])


def upload(request):
    digest = hashlib.sha256()
    for piece in request.FILES["file"].chunks():
        digest.update(piece)
    return HttpResponse(digest.hexdigest())


def raw(request):
    return HttpResponse(hashlib.sha256(request.body).hexdigest())


def stream(request):
    return StreamingHttpResponse((f"piece {number}\n" for number in range(3)), content_type="text/plain")


def go_elsewhere(request):
    return HttpResponseRedirect("/hello/there")


def error(request):
    raise RuntimeError("a view raised")


urlpatterns = [
    path("", index),
    path("hello/<name>", hello),
    path("json", show_json),
    path("form", form),
    path("upload", upload),
    path("raw", raw),
    path("stream", stream),
    path("redirect", go_elsewhere),
    path("error", error),
]

application = validator(get_wsgi_application())
