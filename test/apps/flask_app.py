"""The frameworks' common routes, in Flask."""

import hashlib
from wsgiref.validate import InputWrapper, validator

from flask import Flask, Response, jsonify, redirect, request

app = Flask(__name__)


@app.get("/")
def index():
    return "hello from Flask"


@app.get("/hello/<name>")
def hello(name):
    return "hello " + name


@app.get("/json")
def show_json():
    return jsonify(query=request.args.get("q"), scheme=request.scheme, host=request.host)


@app.post("/form")
def form():
    return "field=" + request.form["field"]


@app.post("/upload")
def upload():
    digest = hashlib.sha256()
    file = request.files["file"]
    for piece in iter(lambda: file.stream.read(65536), b""):
        digest.update(piece)
    return digest.hexdigest()


@app.post("/raw")
def raw():
    return hashlib.sha256(request.get_data()).hexdigest()


@app.get("/stream")
def stream():
    return Response((f"piece {number}\n" for number in range(3)), mimetype="text/plain")


@app.get("/redirect")
def go_elsewhere():
    return redirect("/hello/there")


@app.get("/error")
def error():
    raise RuntimeError("a view raised")


# Werkzeug ends a terminated input with read(), which PEP 3333 allows and wsgiref.validate does not.
InputWrapper.read = lambda self, *size: self.input.read(*size)
application = validator(app.wsgi_app)
