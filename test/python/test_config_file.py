"""gunicorn.conf.py as the forkserver runs it: what goes to the arbiter, and what stays."""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
import unittest
import unittest.mock

import support  # noqa: F401  the package on sys.path
from tunicorn_worker import config_file, hooks


class ConfigFileTest(unittest.TestCase):
    def evaluate(self, text, name="gunicorn.conf.py"):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(sys.path.remove, folder.name)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        path = os.path.join(folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))
        return config_file.evaluate("file", path)

    def test_values_go_out_and_helpers_stay(self):
        result = self.evaluate(
            """
            import os, pathlib
            from collections import OrderedDict
            _private = 1
            workers = 2 * 2 + 1
            bind = ("127.0.0.1:1", "unix:/x")
            chdir = pathlib.Path("/srv")
            def cores():
                return 4
            class Helper:
                pass
            """
        )
        self.assertIsNone(result.failure)
        self.assertEqual(result.values, {"workers": 5, "bind": ["127.0.0.1:1", "unix:/x"], "chdir": "/srv"})
        self.assertEqual(result.functions, ["cores"])
        self.assertEqual(result.hooks, {})

    def test_values_that_are_no_json_are_told_by_their_repr(self):
        result = self.evaluate("workers = object()\nkeepalive = float('nan')\nbig = 1 << 70\n")
        self.assertEqual(sorted(result.opaque), ["keepalive", "workers"])
        self.assertIn("<object object", result.opaque["workers"])

    def test_a_logging_dictionary_keeps_its_objects_here(self):
        result = self.evaluate(
            """
            import logging
            logconfig_dict = {"version": 1, "formatters": {"f": {"()": logging.Formatter}}}
            """
        )
        self.assertIn("logging.Formatter", result.values["logconfig_dict"]["formatters"]["f"]["()"])
        self.assertNotIsInstance(result.namespace["logconfig_dict"]["formatters"]["f"]["()"], str)

    def test_classes_are_named(self):
        result = self.evaluate("class Mine: pass\nlogger_class = Mine\n")
        self.assertEqual(result.values, {"logger_class": "__config__.Mine"})

    def test_hooks_are_taken_by_the_number_of_their_arguments(self):
        result = self.evaluate(
            """
            def pre_fork(server, worker): pass
            def on_starting(server, extra): pass
            def post_request(worker, req, environ): pass
            def worker_exit(*anything): pass
            when_ready = "not.there"
            post_fork = None
            """
        )
        self.assertEqual(sorted(result.hooks), ["post_request", "pre_fork", "worker_exit"])
        problems = {problem["name"]: problem["reason"] for problem in result.problems}
        self.assertEqual(problems["on_starting"], "expected a function of 1 arguments")
        self.assertIn("cannot load", problems["when_ready"])

    def test_post_request_has_three_forms(self):
        self.assertEqual(hooks.arity_of(lambda w, r: 0, (4, 3, 2)), 2)
        self.assertEqual(hooks.arity_of(lambda w, r, e: 0, (4, 3, 2)), 3)
        self.assertEqual(hooks.arity_of(lambda w, r, e=None, a=None: 0, (4, 3, 2)), 4)
        self.assertEqual(hooks.arity_of(lambda: 0, (4, 3, 2)), 0)

    def test_hooks_of_what_is_not_here_are_refused(self):
        result = self.evaluate("def ssl_context(config, factory): pass\ndef dirty_post_fork(a, w): pass\n")
        self.assertEqual([p["name"] for p in result.problems], ["ssl_context"])

    def test_an_import_of_gunicorn_where_it_is_not_installed_says_what_to_do(self):
        with unittest.mock.patch.dict("sys.modules", {"gunicorn": None}):
            result = self.evaluate("from gunicorn import glogging\n")
        self.assertIn("leave gunicorn installed beside tunicorn", result.failure["hint"])

    def test_an_exception_is_told_with_the_file_s_own_lines(self):
        result = self.evaluate("def helper():\n    return missing\nworkers = helper()\n")
        self.assertEqual(result.failure["message"], "NameError: name 'missing' is not defined")
        self.assertIn("gunicorn.conf.py", result.failure["traceback"])
        self.assertNotIn("config_file.py", result.failure["traceback"])

    def test_a_syntax_error_and_an_exit_are_failures(self):
        self.assertIn("SyntaxError", self.evaluate("workers = = 1\n").failure["message"])
        self.assertIn("SystemExit", self.evaluate("raise SystemExit(3)\n").failure["message"])
        self.assertIn("installed", self.evaluate("import no_such_thing\n").failure["hint"])

    def test_modules_of_the_current_folder_can_be_imported(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        self.addCleanup(sys.path.remove, os.getcwd())
        with open("conf_as_module.py", "w", encoding="utf-8") as file:
            file.write("workers = 7\n")
        result = config_file.evaluate("module", "conf_as_module")
        self.assertEqual(result.values, {"workers": 7})

    def test_the_message_is_json(self):
        result = self.evaluate("workers = 1\n")
        self.assertEqual(
            result.message(),
            {
                "type": "evaluated",
                "values": {"workers": 1},
                "opaque": {},
                "functions": [],
                "hooks": [],
                "problems": [],
                "failure": None,
            },
        )


if __name__ == "__main__":
    unittest.main()
