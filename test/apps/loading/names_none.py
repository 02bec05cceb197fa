"""No application here, but a callable of another name."""


def create_app():
    return None


server = object()


def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b""]
