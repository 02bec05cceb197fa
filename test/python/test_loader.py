"""Loading the application: every form of its name, and every way to fail with its step, message, hint and
exit code.
"""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
import types
import unittest
from unittest import mock

import support  # noqa: F401  puts the package on sys.path
from tunicorn_worker import control, loader
from tunicorn_worker.boot_error import BootError

FILES = {
    "plain.py": """
        def application(environ, start_response): return "application"
        def app(environ, start_response): return "app"
        class Holder:
            class inner:
                @staticmethod
                def wsgi(environ, start_response): return "inner"
        holder = Holder()
        number = 7
        """,
    "only_app.py": "def app(environ, start_response): return 'only app'",
    "factories.py": """
        from json import dumps
        def create_app(name="none", *, level=0):
            return lambda environ, start_response: (name, level)
        def broken(): raise RuntimeError("no database\\nat all")
        def nothing(): return None
        """,
    "raising.py": "def deep():\n    raise RuntimeError('at import')\ndeep()\n",
    "exiting.py": "import sys; sys.exit(5)",
    "syntax.py": "def app(:\n",
    "needs.py": "import surely_not_installed_anywhere.part",
    "asynchronous.py": """
        async def app(scope, receive, send): pass
        class Callable:
            async def __call__(self, scope, receive, send): pass
        class Inheriting(Callable): pass
        instance = Inheriting()
        def three(scope, receive, send): pass
        """,
    "my-app.py": "def app(environ, start_response): return 'dashed'",
    "package/__init__.py": "",
    "package/site.py": "from .part import application",
    "package/part.py": "def application(environ, start_response): return __name__",
}


class LoaderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)
        for name, text in FILES.items():
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(textwrap.dedent(text))
        self.addCleanup(os.chdir, os.getcwd())
        self.addCleanup(sys.path.__setitem__, slice(None), sys.path[:])
        known = set(sys.modules)
        self.addCleanup(lambda: [sys.modules.pop(name) for name in set(sys.modules) - known])
        self.steps = []

    def load(self, app, **settings):
        values = control.Settings.from_message({"app": app, "chdir": self.folder, **settings})
        self.steps.append("chdir")
        loader.enter(values)
        app, self.interface = loader.load_app(values, self.steps.append)
        return app

    def fail(self, app, **settings):
        with self.assertRaises(BootError) as caught:
            self.load(app, **settings)
        return caught.exception

    def test_finds_each_form_of_a_name(self):
        for app, wanted in (
            ("plain:app", "app"),
            ("plain", "application"),
            ("only_app", "only app"),
            ("plain:holder.inner.wsgi", "inner"),
            ("package.site:application", "package.part"),
            ("factories:create_app()", ("none", 0)),
            ("factories:create_app('x', level=-1)", ("x", -1)),
            ("plain.py", "application"),
            ("./plain.py:app", "app"),
            ("package/site.py", "package.part"),
            ("my-app.py", "dashed"),
        ):
            with self.subTest(app):
                self.assertEqual(self.load(app)({}, None), wanted)

    def test_names_its_steps(self):
        self.load("factories:create_app()")
        self.assertEqual(self.steps, ["chdir", "import", "attribute", "call"])

    def test_puts_the_apps_folder_before_pythonpath(self):
        self.load("plain", pythonPath=["/first", "/second"])
        self.assertEqual(sys.path[:3], [self.folder, "/first", "/second"])
        self.assertEqual(os.getcwd(), self.folder)

    def test_says_what_failed_where_and_what_to_try(self):
        for app, step, message, hint, code in (
            ("missing:app", "import", "there is no module missing", "modules in", 3),
            ("plian:app", "import", "there is no module plian", "did you mean plain?", 3),
            ("package.prat:app", "import", "there is no module package.prat", "did you mean part?", 3),
            (
                "package/site:app",
                "import",
                "'package/site' is not a module name",
                "did you mean package/site.py?",
                3,
            ),
            ("nothing.py", "import", "there is no file nothing.py", "plain.py", 3),
            (":app", "import", "names no application", "module:attribute", 3),
            (
                "needs:app",
                "import",
                "importing needs failed: ModuleNotFoundError",
                "is surely_not_installed_anywhere",
                3,
            ),
            ("raising:app", "import", "importing raising failed: RuntimeError: at import", "", 3),
            ("exiting:app", "import", "importing exiting failed: SystemExit: 5", "", 3),
            ("syntax:app", "import", "importing syntax failed: SyntaxError", "", 3),
            ("plain:application.nope", "attribute", "plain:application has no attribute nope", "", 4),
            ("plain:ap", "attribute", "plain has no attribute ap", "did you mean app?", 4),
            ("plain:number", "attribute", "plain:number is int", "", 4),
            ("plain:number()", "call", "number is int, which cannot be called", "", 4),
            ("plain:app app", "attribute", "neither an attribute nor a call", "factory('literal'", 4),
            ("plain:app(open('x'))", "attribute", "neither an attribute nor a call", "", 4),
            ("plain:app(**{})", "attribute", "neither an attribute nor a call", "", 4),
            ("factories", "attribute", "neither `application` nor `app`", "factories:create_app()?", 4),
            ("factories:broken()", "call", "broken() failed: RuntimeError: no database", "", 3),
            ("factories:nothing()", "attribute", "is NoneType", "return the application?", 4),
            (
                "asynchronous:app",
                "attribute",
                "is an ASGI application; sync workers",
                "leave --worker-class",
                4,
            ),
            ("asynchronous:instance", "attribute", "is an ASGI application", "", 4),
            ("asynchronous:three", "attribute", "is an ASGI application", "", 4),
        ):
            with self.subTest(app):
                error = self.fail(app)
                self.assertEqual((error.step, error.exit_code), (step, code))
                self.assertIn(message, error.message)
                self.assertIn(hint, error.hint)
                self.assertNotIn("\n", error.message + error.hint)

    def test_runs_what_the_app_is_or_what_was_named(self):
        for app, settings, interface in (
            ("plain", {"workerClass": "auto"}, "wsgi"),
            ("asynchronous:instance", {"workerClass": "auto"}, "asgi"),
            ("asynchronous:app", {"workerClass": "asgi"}, "asgi"),
            ("plain:Holder", {"workerClass": "auto"}, "wsgi"),
            ("plain:Holder", {"workerClass": "asgi"}, "asgi"),
            ("plain", {"workerClass": "asgi", "interface": "asgi3"}, "asgi"),
            ("plain", {"workerClass": "asgi", "interface": "asgi2"}, "asgi"),
            ("asynchronous:app", {"interface": "wsgi"}, "wsgi"),
        ):
            with self.subTest(app, **settings):
                self.load(app, **settings)
                self.assertEqual(self.interface, interface)
        self.assertIn("is a WSGI application; asgi workers", self.fail("plain", workerClass="asgi").message)

    def test_lists_own_callables_before_imported_ones(self):
        self.assertIn(
            "callables in factories: create_app, broken, nothing, dumps", self.fail("factories").hint
        )

    def test_trims_tracebacks_to_the_users_frames(self):
        traceback = self.fail("raising").traceback
        self.assertIn("raising.py", traceback)
        self.assertIn("in deep", traceback)
        self.assertNotIn("tunicorn_worker", traceback)
        self.assertNotIn("importlib", traceback)

    def test_says_which_folder_it_cannot_enter(self):
        error = self.fail("plain", chdir="/nonexistent/folder")
        self.assertEqual((error.step, error.exit_code), ("chdir", 3))
        self.assertIn("/nonexistent/folder", error.message)

    def test_refuses_an_application_that_replaces_sockets_or_threads(self):
        for library, module, question in (
            ("gevent", "gevent.monkey", "is_module_patched"),
            ("eventlet", "eventlet.patcher", "is_monkey_patched"),
        ):
            for patched, app in (("socket", "plain"), ("thread", "plain"), ("socket", "raising")):
                patcher = types.ModuleType(module)
                setattr(patcher, question, lambda name, patched=patched: name.startswith(patched))
                with mock.patch.dict(sys.modules, {module: patcher}), self.assertRaises(BootError) as caught:
                    self.load(app)
                self.assertIn(f"{library} workers do not exist here", caught.exception.message)
                self.assertIn("--threads N", caught.exception.hint)

    def test_refuses_a_worker_class_that_does_not_exist(self):
        error = self.fail("plain", workerClass="gevent")
        self.assertEqual((error.step, error.exit_code), ("interpreter", 3))
        self.assertIn("no gevent worker", error.message)


if __name__ == "__main__":
    unittest.main()
