from __future__ import annotations

import sys
import tempfile
import types
import unittest
from unittest import mock

from tunicorn_worker import title
from tunicorn_worker.title import set_title


class Title(unittest.TestCase):
    def test_names_the_process_where_setproctitle_is_installed(self) -> None:
        titles: list[str] = []
        package = types.ModuleType("setproctitle")
        package.setproctitle = titles.append  # type: ignore[attr-defined]
        with mock.patch.dict(sys.modules, {"setproctitle": package}):
            set_title("worker", "shop")
        self.assertEqual(titles, ["tunicorn: worker [shop]"])

    def test_sets_the_kernels_short_name_without_it(self) -> None:
        with tempfile.NamedTemporaryFile() as file:
            without = mock.patch.dict(sys.modules, {"setproctitle": None})
            with without, mock.patch.object(title, "COMM", file.name):
                set_title("worker", "shop")
            self.assertEqual(file.read(), b"tunicorn: worker")

    def test_does_nothing_where_neither_can_be_had(self) -> None:
        without = mock.patch.dict(sys.modules, {"setproctitle": None})
        with without, mock.patch.object(title, "COMM", "/nowhere/comm"):
            set_title("worker", "shop")


if __name__ == "__main__":
    unittest.main()
