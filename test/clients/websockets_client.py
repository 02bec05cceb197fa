"""The `websockets` library against an echo at URL: websockets_client.py URL. Prints what it saw, as JSON."""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus


async def main(url):
    seen = {}
    async with connect(url + "/ws", subprotocols=["chat", "other"]) as client:
        seen["subprotocol"] = client.subprotocol
        seen["deflate"] = any(
            extension.name == "permessage-deflate" for extension in client.protocol.extensions
        )
        sent = ["short", "zoë", "x" * 70_000, ["in ", "three ", "fragments"]]
        seen["echoes"] = [await echo(client, message) for message in sent]
        seen["ping_is_answered"] = await (await client.ping(b"are you there?")) >= 0
        await client.send("bye")
        try:
            await client.recv()
        except ConnectionClosed as closed:
            seen["closed"] = [closed.rcvd.code, closed.rcvd.reason]
    seen["denied"] = await denied(url + "/denied")
    print(json.dumps(seen))


async def echo(client, message):
    await client.send(message)
    answer = await client.recv()
    return answer == "echo " + "".join(message)


async def denied(url):
    try:
        async with connect(url):
            return "let in"
    except InvalidStatus as refusal:
        response = refusal.response
        return [response.status_code, response.headers["x-reason"], response.body.decode()]


asyncio.run(asyncio.wait_for(main(sys.argv[1]), 30))
