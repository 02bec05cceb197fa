from django.http import HttpResponse
from django.templatetags.static import static
from django.urls import path


def where(request):
    return HttpResponse(static("site.css"))


def end(request):
    import os

    os._exit(1)


urlpatterns = [path("where", where), path("end", end)]
