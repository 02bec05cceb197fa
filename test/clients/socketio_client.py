"""python-socketio's client: socketio_client.py URL TRANSPORT,…; prints what it saw, as JSON."""

import json
import os
import queue
import sys
import threading

import socketio

url, transports = sys.argv[1], sys.argv[2].split(",")
events = queue.Queue()
client = socketio.Client(reconnection=False, request_timeout=10)
client.on("welcome", events.put)
client.on("shouted", events.put)
client.connect(url, auth={"token": "t"}, transports=transports, wait_timeout=10)
seen = {"welcome": events.get(timeout=10)}
seen["sum"] = client.call("add", [1, 2, 39], timeout=10)
client.emit("shout", {"blob": b"\x00\xff" * 50_000})
seen["blob"] = len(events.get(timeout=10)["blob"])
seen["transport"] = client.transport()
print(json.dumps(seen), flush=True)
# While it polls, the library may wait for its own last poll until the ping timeout, with any server.
leaving = threading.Thread(target=client.disconnect, daemon=True)
leaving.start()
leaving.join(2)
os._exit(0)
