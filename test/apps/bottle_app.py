"""The frameworks' common routes, in Bottle."""

import hashlib
from wsgiref.validate import validator

from bottle import Bottle, redirect, request, response

app = Bottle(catchall=False)


@app.get("/")
def index():
    return "hello from Bottle"


@app.get("/hello/<name>")
def hello(name):
    return "hello " + name


@app.get("/json")
def show_json():
    return {"query": request.query.q, "scheme": request.urlparts.scheme, "host": request.urlparts.netloc}


@app.post("/form")
def form():
    return "field=" + request.forms.getunicode("field")


@app.post("/upload")
def upload():
    digest = hashlib.sha256()
    for piece in iter(lambda: request.files["file"].file.read(65536), b""):
        digest.update(piece)
    return digest.hexdigest()


@app.post("/raw")
def raw():
    return hashlib.sha256(request.body.read()).hexdigest()


@app.get("/stream")
def stream():
    response.content_type = "text/plain"
    return (f"piece {number}\n" for number in range(3))


@app.get("/redirect")
def go_elsewhere():
    redirect("/hello/there")


@app.get("/error")
def error():
    raise RuntimeError("a view raised")


application = validator(app)
