"""The frameworks' common routes, in Falcon."""

import hashlib
from wsgiref.validate import validator

import falcon


class Index:
    def on_get(self, req, resp):
        resp.text = "hello from Falcon"


class Hello:
    def on_get(self, req, resp, name):
        resp.text = "hello " + name


class Json:
    def on_get(self, req, resp):
        resp.media = {"query": req.get_param("q"), "scheme": req.scheme, "host": req.netloc}


class Form:
    def on_post(self, req, resp):
        resp.text = "field=" + req.get_media()["field"]


class Upload:
    def on_post(self, req, resp):
        digest = hashlib.sha256()
        for part in req.get_media():
            for piece in iter(lambda: part.stream.read(65536), b""):
                digest.update(piece)
        resp.text = digest.hexdigest()


class Raw:
    def on_post(self, req, resp):
        digest = hashlib.sha256()
        for piece in iter(lambda: req.bounded_stream.read(65536), b""):
            digest.update(piece)
        resp.text = digest.hexdigest()


class Stream:
    def on_get(self, req, resp):
        resp.content_type = "text/plain"
        resp.stream = (b"piece %d\n" % number for number in range(3))


class Redirect:
    def on_get(self, req, resp):
        raise falcon.HTTPFound("/hello/there")


class Error:
    def on_get(self, req, resp):
        raise RuntimeError("a view raised")


app = falcon.App()
app.add_route("/", Index())
app.add_route("/hello/{name}", Hello())
app.add_route("/json", Json())
app.add_route("/form", Form())
app.add_route("/upload", Upload())
app.add_route("/raw", Raw())
app.add_route("/stream", Stream())
app.add_route("/redirect", Redirect())
app.add_route("/error", Error())

application = validator(app)
