"""Applications that differ in how they take part in the lifespan protocol."""

import asyncio
import os


def with_lifespan(lifespan):
    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await lifespan(scope, receive, send)
            return
        state = ",".join(f"{key}={value}" for key, value in sorted(scope["state"].items()))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"state: " + state.encode()})

    return app


def say(*words):
    print(*words, flush=True)


async def complete(scope, receive, send):
    assert (await receive())["type"] == "lifespan.startup"
    scope["state"]["pool"] = "open"
    say("startup ran")
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    say("shutdown ran")
    await send({"type": "lifespan.shutdown.complete"})


async def fails(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "the database is not there"})


async def raises(scope, receive, send):
    raise RuntimeError("raised at startup")


async def returns(scope, receive, send):
    pass


async def never(scope, receive, send):
    await receive()
    await asyncio.Event().wait()


async def never_shuts_down(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    say("shutdown hangs")
    await asyncio.Event().wait()


async def shutdown_fails(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.failed", "message": "the pool would not close"})


async def switched(scope, receive, send):
    """Fails if a file is there."""
    await receive()
    if os.path.exists(os.environ["BROKEN_IF_THERE"]):
        await send({"type": "lifespan.startup.failed", "message": "the switch is set"})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


app_complete = with_lifespan(complete)
app_fails = with_lifespan(fails)
app_raises = with_lifespan(raises)
app_returns = with_lifespan(returns)
app_never = with_lifespan(never)
app_never_shuts_down = with_lifespan(never_shuts_down)
app_switched = with_lifespan(switched)
app_shutdown_fails = with_lifespan(shutdown_fails)
