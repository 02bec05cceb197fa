"""httpx: one client, one pool of connections, many requests at once: httpx_client.py URL. Prints what it saw, as JSON."""

import asyncio
import json
import sys

import httpx


async def pieces():
    for number in range(50):
        yield b"%04d" % number * 1_000
        await asyncio.sleep(0)


async def main(url):
    limits = httpx.Limits(max_connections=10)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=20) as client:
        answers = await asyncio.gather(*(client.get("/hello") for _ in range(100)))
        streamed = await client.post("/echo", content=pieces())
        head = await client.head("/hello")
        expected = b"".join([piece async for piece in pieces()])
    seen = {
        "statuses": sorted({answer.status_code for answer in answers}),
        "bodies": len({answer.text for answer in answers}),
        "echo": streamed.content == expected,
        "head": [head.status_code, head.headers["content-length"], head.text],
    }
    print(json.dumps(seen))


asyncio.run(main(sys.argv[1]))
