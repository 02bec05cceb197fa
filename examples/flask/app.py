"""A Flask application, as in Flask's own quickstart."""

from flask import Flask, request
from markupsafe import escape

app = Flask(__name__)


@app.get("/")
def index() -> str:
    return f"Hello from Flask, {escape(request.args.get('name', 'world'))}!\n"


@app.post("/echo")
def echo() -> bytes:
    return request.get_data()
