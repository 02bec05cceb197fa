"""What httpx sees of a compressed page: prints JSON."""

import json
import sys

import httpx

url = sys.argv[1]
with httpx.Client() as client:
    reply = client.get(url)
    head = client.head(url)
    again = client.get(url, headers={"If-None-Match": reply.headers["ETag"]})

print(
    json.dumps(
        {
            "encoding": reply.headers["Content-Encoding"],
            "length": len(reply.content),
            "head": head.headers["Content-Encoding"],
            "notModified": again.status_code,
        }
    )
)
