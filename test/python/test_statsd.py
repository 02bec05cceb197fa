"""What a worker's log lines become for statsd."""

from __future__ import annotations

import logging
import os
import socket
import tempfile
import unittest

import support
from tunicorn_worker.statsd import LineCounter


class LineCounterTest(unittest.TestCase):
    def counted(self, target):
        records = support.Records()
        logger = logging.Logger("counted")
        logger.addHandler(records)
        counter = LineCounter(target)
        logger.addFilter(counter)
        self.addCleanup(lambda: counter._socket and counter._socket.close())
        return logger, records

    def test_counts_warnings_errors_and_exceptions_by_gunicorns_names(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            server.settimeout(10)
            target = {"kind": "udp", "host": "127.0.0.1", "port": server.getsockname()[1]}
            logger, _ = self.counted(dict(target, prefix="shop.", tags="env:test"))
            logger.info("nothing")
            logger.warning("a")
            logger.error("b")
            logger.critical("c")
            try:
                raise ValueError
            except ValueError:
                logger.exception("d")
            names = [server.recv(1000).decode() for _ in range(4)]
        wanted = [
            f"shop.gunicorn.log.{name}:1|c|#env:test"
            for name in ("warning", "error", "critical", "exception")
        ]
        self.assertEqual(names, wanted)

    def test_sends_the_metric_of_a_call_and_logs_it_only_with_words(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM
        ) as server:
            path = os.path.join(folder, "s")
            server.bind(path)
            server.settimeout(10)
            logger, records = self.counted({"kind": "unix", "path": path, "prefix": "", "tags": ""})
            logger.info("", extra={"metric": "jobs", "value": 5, "mtype": "gauge"})
            logger.info("timed", extra={"metric": "job", "value": 1.5, "mtype": "timer"})
            logger.info("said", extra={"metric": "job", "value": 1, "mtype": "nothing known"})
            self.assertEqual([server.recv(1000) for _ in range(2)], [b"jobs:5|g", b"job:1.5|ms"])
        self.assertEqual(records.messages, ["timed", "said"])
        logger.error("nobody is there any more")
        self.assertEqual(records.messages[-1], "nobody is there any more")


if __name__ == "__main__":
    unittest.main()
