"""httpx over HTTP/2, and h2 (which Quart brings) with what no client sends: http2_client.py URL. Prints JSON."""

import asyncio
import json
import socket
import sys
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
import httpx


async def use(url):
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(
        base_url=url, http1=False, http2=True, limits=limits, verify=False, timeout=20
    ) as client:
        answers = await asyncio.gather(*(client.get("/hello") for _ in range(100)))
        body = b"0123456789" * 50_000
        echo = await client.post("/echo", content=body)
    return {
        "versions": sorted({answer.http_version for answer in answers}),
        "statuses": sorted({answer.status_code for answer in answers}),
        "echo": echo.content == body,
    }


def abuse(url):
    """Each request on a connection of its own; `h2` is told not to mend or refuse it."""
    address = urlsplit(url)
    base = [(":method", "GET"), (":scheme", "http"), (":path", "/hello"), (":authority", "test")]
    cases = {
        "upper case": [*base, ("X-Upper", "a")],
        "line break": [*base, ("x-a", "b\r\nx-b: c")],
        "nul": [*base, ("x-a", "b\x00c")],
        "connection": [*base, ("connection", "close")],
        "two paths": [*base, (":path", "/other")],
        "late pseudo": [*base[:3], ("x-a", "b"), *base[3:]],
        "two lengths": [*base, ("content-length", "0"), ("content-length", "1")],
        "other host": [*base, ("host", "other")],
        "good": base,
    }
    return {name: ask(address, fields) for name, fields in cases.items()}


def ask(address, fields):
    config = h2.config.H2Configuration(
        validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding="latin-1"
    )
    connection = h2.connection.H2Connection(config)
    connection.initiate_connection()
    with socket.create_connection((address.hostname, address.port), 10) as stream:
        connection.send_headers(1, fields, end_stream=True)
        stream.sendall(connection.data_to_send())
        while True:
            data = stream.recv(65_536)
            if not data:
                return "closed"
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    return dict(event.headers)[":status"]
                if isinstance(event, h2.events.StreamReset):
                    return "reset"
                if isinstance(event, h2.events.ConnectionTerminated):
                    return "goaway"


if __name__ == "__main__":
    print(json.dumps({"use": asyncio.run(use(sys.argv[1])), "abuse": abuse(sys.argv[1])}))
