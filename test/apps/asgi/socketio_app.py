"""Socket.IO by python-socketio: long polls that are upgraded to a WebSocket."""

import socketio

server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
app = socketio.ASGIApp(server)


@server.event
async def connect(sid, environ, auth):
    await server.emit("welcome", {"auth": auth, "transport": server.transport(sid)}, to=sid)


@server.event
async def add(sid, numbers):
    return sum(numbers)


@server.event
async def shout(sid, data):
    """To all, binary attachments too."""
    await server.emit("shouted", data)


@server.event
async def disconnect(sid, reason):
    print(f"socketio: disconnected {reason}", flush=True)
