"""The frameworks' common routes, in Pyramid."""

import hashlib
from wsgiref.validate import validator

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPFound
from pyramid.response import Response


def index(request):
    return Response("hello from Pyramid")


def hello(request):
    return Response("hello " + request.matchdict["name"])


def show_json(request):
    return {"query": request.params.get("q"), "scheme": request.scheme, "host": request.host}


def form(request):
    return Response("field=" + request.POST["field"])


def upload(request):
    digest = hashlib.sha256()
    for piece in iter(lambda: request.POST["file"].file.read(65536), b""):
        digest.update(piece)
    return Response(digest.hexdigest())


def raw(request):
    return Response(hashlib.sha256(request.body).hexdigest())


def stream(request):
    return Response(app_iter=(b"piece %d\n" % number for number in range(3)), content_type="text/plain")


def go_elsewhere(request):
    return HTTPFound(location="/hello/there")


def error(request):
    raise RuntimeError("a view raised")


ROUTES = {
    "/": index,
    "/hello/{name}": hello,
    "/form": form,
    "/upload": upload,
    "/raw": raw,
    "/stream": stream,
    "/redirect": go_elsewhere,
    "/error": error,
}

with Configurator() as config:
    for pattern, view in ROUTES.items():
        config.add_route(view.__name__, pattern)
        config.add_view(view, route_name=view.__name__)
    config.add_route("json", "/json")
    config.add_view(show_json, route_name="json", renderer="json")
    application = validator(config.make_wsgi_app())
