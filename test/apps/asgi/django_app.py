"""The frameworks' common routes in Django's ASGI mode, and WebSockets by Channels with its in-memory layer."""

import hashlib

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.urls import path

settings.configure(
    SECRET_KEY="for tests only",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
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
django.setup()


def index(request):
    """Not async: Django runs it in a thread."""
    return HttpResponse("hello from Django")


async def hello(request, name):
    return HttpResponse("hello " + name)


async def show_json(request):
    return JsonResponse({"query": request.GET.get("q"), "scheme": request.scheme, "host": request.get_host()})


async def form(request):
    return HttpResponse("field=" + request.POST["field"])


def upload(request):
    digest = hashlib.sha256()
    for piece in request.FILES["file"].chunks():
        digest.update(piece)
    return HttpResponse(digest.hexdigest())


async def raw(request):
    return HttpResponse(hashlib.sha256(request.body).hexdigest())


async def stream(request):
    async def pieces():
        for number in range(3):
            yield f"piece {number}\n"

    return StreamingHttpResponse(pieces(), content_type="text/plain")


async def redirect(request):
    return HttpResponseRedirect("/hello/there")


async def error(request):
    raise RuntimeError("a view raised")


urlpatterns = [
    path("", index),
    path("hello/<str:name>", hello),
    path("json", show_json),
    path("form", form),
    path("upload", upload),
    path("raw", raw),
    path("stream", stream),
    path("redirect", redirect),
    path("error", error),
]


class Echo(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept("chat" if "chat" in self.scope["subprotocols"] else None)

    async def receive(self, text_data=None, bytes_data=None):
        if text_data == "bye":
            await self.close(4001, "bye, from Django")
        else:
            await self.send(text_data="echo " + text_data)

    async def disconnect(self, code):
        print(f"Django: disconnected {code}", flush=True)


class Room(AsyncWebsocketConsumer):
    """What one says, all hear."""

    async def connect(self):
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()
        await self.send(text_data="welcome")

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send("room", {"type": "said", "text": text_data})

    async def said(self, event):
        await self.send(text_data=event["text"])

    async def disconnect(self, code):
        await self.channel_layer.group_discard("room", self.channel_name)


app = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": URLRouter([path("ws", Echo.as_asgi()), path("room", Room.as_asgi())]),
    }
)
