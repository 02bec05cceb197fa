"""Telling what a callable speaks by its looks."""

from __future__ import annotations

import functools
import unittest

import support  # noqa: F401  puts the package on sys.path
from tunicorn_worker.interface import from_asgi2, interface_of


async def asgi(scope, receive, send):
    await send(scope)


def asgi_by_name(scope, receive, send, extra=None):
    return asgi(scope, receive, send)


def asgi2(scope):
    async def instance(receive, send):
        await send(scope)

    return instance


def wsgi(environ, start_response):
    return []


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


class Wsgi:
    def __call__(self, environ, start_response):
        return []


class WsgiClass:
    def __init__(self, environ, start_response):
        pass

    def __iter__(self):
        return iter(())


class Asgi3:
    async def __call__(self, scope, receive, send):
        pass

    async def method(self, scope, receive, send):
        pass

    def wsgi(self, environ, start_response):
        return []


class Inheriting(Asgi3):
    pass


class Asgi2:
    def __init__(self, scope):
        pass

    async def __call__(self, receive, send):
        pass


class Awaitable:
    def __init__(self, scope, receive, send):
        pass

    def __await__(self):
        yield


class InterfaceTest(unittest.TestCase):
    def test_knows_asgi_3(self):
        for app in (
            asgi,
            asgi_by_name,
            decorated(asgi),
            decorated(decorated(asgi_by_name)),
            Asgi3(),
            Inheriting(),
            Asgi3().method,
            Awaitable,
            functools.partial(asgi),
            functools.partial(asgi_by_name, extra=1),
            functools.partial(lambda settings, scope, receive, send: None, {}),
            functools.partial(functools.partial(Asgi3())),
        ):
            with self.subTest(app):
                self.assertEqual(interface_of(app), "asgi3")

    def test_knows_asgi_2(self):
        for app in (asgi2, Asgi2, decorated(asgi2), functools.partial(asgi2)):
            with self.subTest(app):
                self.assertEqual(interface_of(app), "asgi2")

    def test_knows_wsgi(self):
        for app in (
            wsgi,
            Wsgi(),
            WsgiClass,
            Asgi3().wsgi,
            decorated(wsgi),
            functools.partial(wsgi),
            functools.partial(lambda folder, environ, start_response: [], "folder"),
            functools.partial(lambda environ, start_response, folder: [], folder=1),
        ):
            with self.subTest(app):
                self.assertEqual(interface_of(app), "wsgi")

    def test_believes_the_mark_of_a_coroutine_function(self):
        def marked(scope, receive):
            return None

        marked._is_coroutine_mark = object()
        self.assertEqual(interface_of(marked), "asgi3")

    def test_does_not_guess(self):
        loop = lambda *args: None  # noqa: E731
        loop.__wrapped__ = loop
        for app in (object(), lambda *args: None, loop, Exception):
            with self.subTest(app):
                self.assertEqual(interface_of(app), "")

    def test_runs_asgi_2_as_3(self):
        sent = []

        async def send(message):
            sent.append(message)

        coroutine = from_asgi2(asgi2)("scope", None, send)
        with self.assertRaises(StopIteration):
            coroutine.send(None)
        self.assertEqual(sent, ["scope"])


if __name__ == "__main__":
    unittest.main()
