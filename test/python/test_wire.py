"""wire.py against the vectors that src/wire is tested with, too."""

from __future__ import annotations

import json
import marshal
import struct
import unittest

from support import corpus
from tunicorn_worker import wire

TYPES = {
    name: getattr(wire, name)
    for name in [
        "HELLO",
        "REQUEST",
        "BODY",
        "BODY_FILE",
        "RESPONSE",
        "INFORM",
        "FILE",
        "FILE_REPLY",
        "CREDIT",
        "CANCEL",
        "ABORT",
        "DRAIN",
        "TAKE_BACK",
        "TAKEN",
        "LEFT",
        "DEADLINE",
        "NOTICE",
    ]
}
FRAMES = corpus("frames.json")
REQUESTS = corpus("requests.json")


def described(frame):
    """A received frame in the corpus's words."""
    stream, kind, flags, payload = frame
    name = next(name for name, number in TYPES.items() if number == kind)
    words = {"type": name, "stream": stream, "end": bool(flags & wire.END)}
    if kind == wire.REQUEST:
        words["payload"] = payload.hex()
    elif kind == wire.BODY:
        words["body"] = payload.hex()
    elif kind == wire.BODY_FILE:
        words["path"] = payload.decode()
    elif kind == wire.FILE_REPLY:
        words["accepted"] = payload == b"\x01"
    elif kind == wire.CREDIT:
        words["credit"] = wire.credit_of(payload)
    elif kind == wire.CANCEL:
        words["cause"] = payload[0]
    return words


def packed_response(frame, body=b""):
    head = frame["head"]
    has_length = head["contentLength"] >= 0
    flags = (
        has_length * wire.HAS_LENGTH
        | head["hasServer"] * wire.HAS_SERVER
        | head["hasDate"] * wire.HAS_DATE
        | head["close"] * wire.CLOSE
        | head["noBuffer"] * wire.NO_BUFFER
        | head["namesFile"] * wire.NAMES_FILE
    )
    return wire.pack_response(
        frame["stream"],
        wire.END if frame["end"] else 0,
        head["status"],
        flags,
        head["reason"].encode("latin-1"),
        head["block"].encode("latin-1"),
        body,
        max(0, head["contentLength"]),
        head["micros"],
    )


def packed(frame):
    """A worker's frame from the corpus's words."""
    kind = frame["type"]
    if kind == "HELLO":
        return wire.pack_hello(json.dumps(frame["hello"], separators=(",", ":"), ensure_ascii=False))
    if kind == "BODY":
        end = wire.END if frame["end"] else 0
        return wire.pack_frame(frame["stream"], wire.BODY, end, bytes.fromhex(frame["body"]))
    if kind == "RESPONSE":
        return packed_response(frame, bytes.fromhex(frame["body"]))
    if kind == "INFORM":
        return wire.pack_inform(frame["stream"], frame["status"], frame["block"].encode("latin-1"))
    if kind == "FILE":
        place = (frame["offset"], frame["length"], frame["device"], frame["inode"], frame["path"].encode())
        return wire.pack_file(packed_response(frame), *place)
    if kind == "CREDIT":
        return wire.pack_frame(frame["stream"], wire.CREDIT, 0, struct.pack("<I", frame["credit"]))
    if kind == "DEADLINE":
        return wire.pack_deadline(frame["stream"], frame["limitMs"] / 1000)
    if kind == "ABORT":
        return wire.pack_abort(frame["stream"], frame["reason"])
    if kind == "TAKEN":
        return wire.pack_taken(frame["streams"])
    raise AssertionError(kind)


def untagged(value):
    if not isinstance(value, dict):
        return value
    ((tag, content),) = value.items()
    if tag == "bytes":
        return bytes.fromhex(content)
    if tag == "dict":
        return {key: untagged(item) for key, item in content}
    items = [untagged(item) for item in content]
    return tuple(items) if tag == "tuple" else items


class FrameReaderTest(unittest.TestCase):
    def setUp(self):
        self.vectors = [vector for vector in FRAMES["valid"] if vector["to"] == "worker"]
        self.stream = b"".join(bytes.fromhex(vector["hex"]) for vector in self.vectors)
        self.wanted = [vector["frame"] for vector in self.vectors]

    def test_reads_each_frame_whole(self):
        for vector in self.vectors:
            with self.subTest(vector["name"]):
                frames = wire.FrameReader().receive(bytes.fromhex(vector["hex"]))
                self.assertEqual([described(frame) for frame in frames], [vector["frame"]])

    def test_reads_all_frames_split_in_two_at_every_point(self):
        for at in range(len(self.stream) + 1):
            reader = wire.FrameReader()
            frames = reader.receive(self.stream[:at]) + reader.receive(self.stream[at:])
            self.assertEqual([described(frame) for frame in frames], self.wanted)

    def test_reads_all_frames_byte_by_byte(self):
        reader = wire.FrameReader()
        frames = []
        for at in range(len(self.stream)):
            frames += reader.receive(self.stream[at : at + 1])
        self.assertEqual([described(frame) for frame in frames], self.wanted)
        self.assertEqual(reader.error, "")

    def test_refuses_invalid_frames_after_the_valid_ones_before_them(self):
        for vector in FRAMES["invalid"]:
            if vector["to"] != "worker":
                continue
            data = self.stream + bytes.fromhex(vector["hex"]) + self.stream
            for step in (len(data), 1):
                with self.subTest(vector["name"], step=step):
                    reader = wire.FrameReader()
                    count = sum(len(reader.receive(data[at : at + step])) for at in range(0, len(data), step))
                    self.assertEqual(reader.error, vector["error"])
                    self.assertEqual(count, len(self.vectors))


class PackTest(unittest.TestCase):
    def test_packs_what_the_corpus_describes(self):
        for vector in FRAMES["valid"]:
            if vector["to"] == "front":
                with self.subTest(vector["name"]):
                    self.assertEqual(packed(vector["frame"]).hex(), vector["hex"])


class MarshalTest(unittest.TestCase):
    def test_loads_request_heads_as_environ_dicts(self):
        for vector in REQUESTS["requests"]:
            with self.subTest(vector["name"]):
                environ = marshal.loads(bytes.fromhex(vector["hex"]))
                self.assertEqual(list(environ.items()), list(vector["environ"].items()))

    def test_loads_every_type_that_a_front_writes(self):
        for vector in REQUESTS["values"]:
            with self.subTest(vector["name"]):
                value = marshal.loads(bytes.fromhex(vector["hex"]))
                self.assertEqual(value, untagged(vector["value"]))
                self.assertIs(type(value), type(untagged(vector["value"])))


if __name__ == "__main__":
    unittest.main()
