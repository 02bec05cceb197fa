from __future__ import annotations

import sys
import types
import unittest
from unittest import mock

from tunicorn_worker.title import set_title


class Title(unittest.TestCase):
    def test_names_the_process_where_setproctitle_is_installed(self) -> None:
        titles: list[str] = []
        package = types.ModuleType("setproctitle")
        package.setproctitle = titles.append  # type: ignore[attr-defined]
        with mock.patch.dict(sys.modules, {"setproctitle": package}):
            set_title("worker", "shop")
        self.assertEqual(titles, ["tunicorn: worker [shop]"])

    def test_does_nothing_without_it(self) -> None:
        with mock.patch.dict(sys.modules, {"setproctitle": None}):
            set_title("worker", "shop")


if __name__ == "__main__":
    unittest.main()
