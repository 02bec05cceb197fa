"""Starlette's FileResponse: by pathsend where the server offers it, else read by the worker."""

from __future__ import annotations

import os
import tempfile

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

FILE_BYTES = 100_000_000
#: Sparse: what is measured is the way through the server, not the disk.
PATH = os.path.join(tempfile.gettempdir(), f"tunicorn-bench-{os.getuid()}-{FILE_BYTES}.bin")


def make_file() -> None:
    with open(PATH, "ab") as file:
        file.truncate(FILE_BYTES)


async def index(request: Request) -> Response:
    return PlainTextResponse("Hello, world!\n")


async def file(request: Request) -> Response:
    return FileResponse(PATH)


make_file()
app = Starlette(routes=[Route("/", index), Route("/file", file)])
