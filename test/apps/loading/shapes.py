"""Applications in every shape that a target may name."""


def reply(text):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [text.encode()]

    return app


class Holder:
    nested = staticmethod(reply("nested"))


holder = Holder()


def app(environ, start_response):
    return reply("app")(environ, start_response)


def factory(greeting="factory", times=1):
    return reply(" ".join([greeting] * times))


def fails():
    raise RuntimeError("the factory failed")


class Application:
    """A class whose instances are the iterable."""

    def __init__(self, environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])

    def __iter__(self):
        yield b"class"
