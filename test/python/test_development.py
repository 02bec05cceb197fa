"""What a developer is told: reports of exceptions, the files of the app, and no bytecode of fresh files."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import tempfile
import unittest
from typing import Any
from unittest import mock

import support  # noqa: F401  puts the package on sys.path
from tunicorn_worker import development


def report(error: BaseException) -> list[dict[str, Any]]:
    causes: list[dict[str, Any]] = json.loads(development.report_of(error))["causes"]
    return causes


class FolderCase(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.mkdtemp()
        sys.path.insert(0, self.folder)
        self.addCleanup(sys.path.remove, self.folder)

    def write(self, name: str, text: str) -> str:
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        importlib.invalidate_caches()
        return path


class ReportTests(FolderCase):
    def failure(self, name: str, text: str) -> BaseException:
        self.write(f"{name}.py", text)
        try:
            importlib.import_module(name)
        except Exception as error:
            return error
        raise AssertionError("it was to fail")

    def test_shows_the_source_around_the_line(self) -> None:
        lines = [f"x{number} = {number}" for number in range(1, 21)]
        lines[9] = "nowhere"
        (cause,) = report(self.failure("dev_name_error", "\n".join(lines)))
        self.assertEqual(cause["type"], "NameError")
        frame = cause["frames"][-1]
        self.assertEqual((frame["line"], frame["first"], frame["own"]), (10, 5, True))
        self.assertEqual(frame["source"], lines[4:15])

    def test_shows_where_the_syntax_is_wrong(self) -> None:
        (cause,) = report(self.failure("dev_syntax", "a = 1\ndef (:\n"))
        frame = cause["frames"][-1]
        self.assertEqual((cause["type"], frame["line"]), ("SyntaxError", 2))
        self.assertEqual(frame["source"], ["a = 1", "def (:"])

    def test_tells_the_first_cause_first(self) -> None:
        text = "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('x') from error\n"
        first, last = report(self.failure("dev_chain", text))
        self.assertEqual((first["type"], first["link"]), ("ZeroDivisionError", "which caused"))
        self.assertEqual((last["type"], last["link"]), ("ValueError", ""))

    def test_ends_for_causes_that_go_in_a_circle(self) -> None:
        one, two = ValueError("1"), ValueError("2")
        one.__cause__, two.__cause__ = two, one
        self.assertEqual(len(report(one)), 2)

    def test_keeps_the_innermost_frames_of_a_deep_recursion(self) -> None:
        text = "def down(n):\n    # " + "x" * 390 + "\n    return down(n + 1)\ndown(0)\n"
        error = self.failure("dev_recursion", text)
        self.assertLessEqual(len(development.report_of(error)), development.REPORT_BYTES_MAX)
        self.assertEqual(report(error)[-1]["frames"][-1]["name"], "down")

    def test_shows_one_line_of_a_library(self) -> None:
        text = "import json\njson.loads('{')\n"
        (cause,) = report(self.failure("dev_library", text))
        frame = cause["frames"][-1]
        self.assertFalse(frame["own"])
        self.assertEqual(len(frame["source"]), 1)


class ModulesTests(FolderCase):
    def test_tells_the_apps_own_files_once(self) -> None:
        modules = development.Modules()
        modules.new_files()
        path = self.write("dev_own_module.py", "import colorsys\n")
        importlib.import_module("dev_own_module")
        self.assertEqual(modules.new_files(), [os.path.abspath(path)])
        self.assertEqual(modules.new_files(), [])


class BytecodeTests(FolderCase):
    def setUp(self) -> None:
        super().setUp()
        # Put back what distrust_fresh_bytecode replaces.
        loader = development.SourceFileLoader
        self.addCleanup(setattr, loader, "set_data", loader.set_data)
        self.enterContextFor(mock.patch.object(sys, "dont_write_bytecode", False))
        development.distrust_fresh_bytecode()

    def enterContextFor(self, patch: Any) -> None:
        patch.start()
        self.addCleanup(patch.stop)

    def cached(self, name: str) -> bool:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        return os.path.exists(spec.cached or "")

    def test_is_not_kept_for_a_file_just_saved(self) -> None:
        self.write("dev_fresh.py", "x = 1\n")
        importlib.import_module("dev_fresh")
        self.assertFalse(self.cached("dev_fresh"))

    def test_is_kept_for_a_file_that_rests(self) -> None:
        path = self.write("dev_rests.py", "x = 1\n")
        os.utime(path, (1_700_000_000, 1_700_000_000))
        importlib.import_module("dev_rests")
        self.assertTrue(self.cached("dev_rests"))


if __name__ == "__main__":
    unittest.main()
