"""A list of notes, kept in the visitor's own session."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path


def notes(request: HttpRequest) -> HttpResponse:
    kept = request.session.get("notes", [])
    if request.method == "POST":
        request.session["notes"] = [*kept, request.POST["note"]][-10:]
        return redirect("/")
    return render(request, "notes.html", {"notes": kept})


urlpatterns = [path("", notes)]
