"""Names files instead of sending them: X-Sendfile and X-Accel-Redirect as the query says; file_wrapper for /wrapped."""

import os
from urllib.parse import unquote

TYPE = ("Content-Type", "application/x-test")


def app(environ, start_response):
    path, value = environ["PATH_INFO"], unquote(environ["QUERY_STRING"])
    if path == "/wrapped":
        headers = [TYPE, ("Accept-Ranges", "bytes"), ("ETag", '"mine"')]
        start_response("200 OK", headers)
        return environ["wsgi.file_wrapper"](open(value, "rb"))
    kept = [("Set-Cookie", "a=1"), ("Cache-Control", "private"), ("Content-Disposition", "attachment")]
    name = "X-Sendfile" if path == "/sendfile" else "X-Accel-Redirect"
    body = [b"never sent"] if path != "/long" else (b"x" * 65536 for _ in range(100))
    headers = [TYPE, (name, value), *kept]
    if path == "/typeless":
        headers = headers[1:]
    start_response("200 OK", headers if path == "/long" else [*headers, ("Content-Length", "10")])
    return body


async def asgi(scope, receive, send):
    value = unquote(scope["query_string"].decode())
    if scope["path"] == "/pathsend":
        headers = [(b"accept-ranges", b"bytes"), (b"etag", b'"mine"')]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.pathsend", "path": os.path.abspath(value)})
        return
    name = b"x-sendfile" if scope["path"] == "/sendfile" else b"x-accel-redirect"
    headers = [(name, value.encode()), (b"set-cookie", b"a=1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"never sent"})
