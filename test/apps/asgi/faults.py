"""Everything an ASGI application can do wrong, a route for each, in HTTP and WebSocket."""

import asyncio
import os
import signal
import time

TEXT = [(b"content-type", b"text/plain")]
START = {"type": "http.response.start", "status": 200, "headers": TEXT}


async def app(scope, receive, send):
    assert scope["type"] in ("http", "websocket")
    await (HTTP if scope["type"] == "http" else WEBSOCKET)[scope["path"]](receive, send)


def body(data, more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}


async def fine(receive, send):
    await send(START)
    await send(body(str(os.getpid()).encode()))


async def raise_at_once(receive, send):
    raise ValueError("raised at once")


async def raise_after_receive(receive, send):
    await receive()
    raise ValueError("raised after receive")


async def raise_after_start(receive, send):
    await send(START)
    raise ValueError("raised after the start")


async def raise_after_piece(receive, send):
    await send(START)
    await send(body(b"first piece", True))
    raise ValueError("raised after the first piece")


async def raise_after_end(receive, send):
    await send(START)
    await send(body(b"complete"))
    raise ValueError("raised after the end")


async def raise_in_task(receive, send):
    """Nobody awaits the task."""

    async def work():
        raise ValueError("raised in a task")

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    await fine(receive, send)


async def nothing(receive, send):
    pass


async def start_only(receive, send):
    await send(START)


async def no_end(receive, send):
    await send(START)
    await send(body(b"half of it", True))


async def start_twice(receive, send):
    await send(START)
    await send(START)


async def answer_twice(receive, send):
    await fine(receive, send)
    await fine(receive, send)


async def body_first(receive, send):
    await send(body(b"without a start"))


async def unknown_type(receive, send):
    await send({"type": "http.response.nonsense"})


async def no_type(receive, send):
    await send({"status": 200})


async def not_a_dict(receive, send):
    await send("200 OK")


async def text_body(receive, send):
    await send(START)
    await send(body("text"))


async def too_long(receive, send):
    await send({**START, "headers": [(b"content-length", b"4")]})
    await send(body(b"four", True))
    await send(body(b"and more"))


async def too_short(receive, send):
    await send({**START, "headers": [(b"content-length", b"100")]})
    await send(body(b"not a hundred", True))
    await send(body(b""))


def starts(**changes):
    async def route(receive, send):
        await send({**START, **changes})
        await send(body(b"body"))

    return route


async def never(receive, send):
    await asyncio.Event().wait()


async def swallow(receive, send):
    """Takes its cancellation for a reason to go on."""
    while True:
        try:
            print("swallowing", flush=True)
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("swallowed a cancellation", flush=True)


async def block(receive, send):
    block_for(1.5)
    await fine(receive, send)


def block_for(seconds):
    time.sleep(seconds)


async def system_exit(receive, send):
    raise SystemExit(3)


async def die(receive, send):
    os._exit(7)


async def kill(receive, send):
    os.kill(os.getpid(), signal.SIGKILL)


async def deep(receive, send):
    await deep(receive, send)


HTTP = {
    "/fine": fine,
    "/raise-at-once": raise_at_once,
    "/raise-after-receive": raise_after_receive,
    "/raise-after-start": raise_after_start,
    "/raise-after-piece": raise_after_piece,
    "/raise-after-end": raise_after_end,
    "/raise-in-task": raise_in_task,
    "/nothing": nothing,
    "/start-only": start_only,
    "/no-end": no_end,
    "/start-twice": start_twice,
    "/answer-twice": answer_twice,
    "/body-first": body_first,
    "/unknown-type": unknown_type,
    "/no-type": no_type,
    "/not-a-dict": not_a_dict,
    "/text-body": text_body,
    "/too-long": too_long,
    "/too-short": too_short,
    "/status-text": starts(status="200 OK"),
    "/status-low": starts(status=99),
    "/status-none": starts(status=None),
    "/header-crlf": starts(headers=[(b"x-bad", b"a\r\nx-evil: 1")]),
    "/header-lf": starts(headers=[(b"x-bad", b"a\nx-evil: 1")]),
    "/header-nul": starts(headers=[(b"x-bad", b"a\0b")]),
    "/header-name": starts(headers=[(b"x bad", b"a")]),
    "/header-name-empty": starts(headers=[(b"", b"a")]),
    "/header-name-crlf": starts(headers=[(b"x-bad: a\r\nx-evil", b"1")]),
    "/header-int": starts(headers=[(b"x-bad", 1)]),
    "/header-single": starts(headers=[b"x-bad"]),
    "/headers-none": starts(headers=5),
    "/length-word": starts(headers=[(b"content-length", b"four")]),
    "/length-negative": starts(headers=[(b"content-length", b"-4")]),
    "/length-twice": starts(headers=[(b"content-length", b"4"), (b"content-length", b"5")]),
    "/never": never,
    "/swallow": swallow,
    "/block": block,
    "/deep": deep,
    "/system-exit": system_exit,
    "/die": die,
    "/kill": kill,
}


async def ws_raise_at_once(receive, send):
    raise ValueError("raised before accept")


async def ws_nothing(receive, send):
    pass


async def ws_send_first(receive, send):
    await send({"type": "websocket.send", "text": "too early"})


async def ws_accept_twice(receive, send):
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.accept"})


async def ws_raise_after_accept(receive, send):
    await send({"type": "websocket.accept"})
    raise ValueError("raised after accept")


async def ws_return_after_accept(receive, send):
    await send({"type": "websocket.accept"})


async def ws_both(receive, send):
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "a", "bytes": b"b"})


async def ws_neither(receive, send):
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send"})


async def ws_code(receive, send):
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 1005})


async def ws_subprotocol(receive, send):
    await send({"type": "websocket.accept", "subprotocol": "chat\r\nX-Evil: 1"})


async def ws_header(receive, send):
    await send({"type": "websocket.accept", "headers": [(b"x-bad", b"a\r\nx-evil: 1")]})


async def ws_after_close(receive, send):
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close"})
    await send({"type": "websocket.send", "text": "too late"})


async def ws_denial_half(receive, send):
    await send({"type": "websocket.http.response.start", "status": 401, "headers": []})


WEBSOCKET = {
    "/raise-at-once": ws_raise_at_once,
    "/nothing": ws_nothing,
    "/send-first": ws_send_first,
    "/accept-twice": ws_accept_twice,
    "/raise-after-accept": ws_raise_after_accept,
    "/return-after-accept": ws_return_after_accept,
    "/both": ws_both,
    "/neither": ws_neither,
    "/code": ws_code,
    "/subprotocol": ws_subprotocol,
    "/header": ws_header,
    "/after-close": ws_after_close,
    "/denial-half": ws_denial_half,
    "/never": never,
}
