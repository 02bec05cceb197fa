"""Read and search the standard library of the Python that runs this. One file, no dependencies.

tunicorn --chdir examples/stdlib app:app
"""

from __future__ import annotations

import ast
import platform
import re
import sysconfig
from html import escape
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator
from urllib.parse import parse_qs, quote

Environ = Dict[str, Any]
StartResponse = Callable[..., Any]
HITS_MAX = 200
HIDDEN = {"test", "encodings", "idlelib", "lib2to3", "turtledemo", "site-packages"}
LIBRARY = Path(sysconfig.get_paths()["stdlib"])
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }}
pre, code {{ font: 13px/1.5 ui-monospace, monospace; background: #f4f4f0; overflow: auto }}
pre {{ padding: .7rem }} li {{ margin: .2rem 0 }} .columns {{ columns: 11rem }} small {{ color: #777 }}
input {{ font: inherit; width: 60%; padding: .3rem }}
</style>
<form action="/search"><a href="/">{python}</a> &nbsp; <input name="q" value="{query}"
placeholder="search the source" autofocus> <button>Search</button></form><h1>{title}</h1>"""


def find_modules() -> dict[str, Path]:
    """The public modules: dotted name → file."""
    found = {}
    for path in [*LIBRARY.glob("*.py"), *LIBRARY.glob("*/*.py")]:
        words = path.relative_to(LIBRARY).with_suffix("").parts
        names = words[:-1] if words[-1] == "__init__" else words
        if names and names[0] not in HIDDEN and not any(name.startswith("_") for name in names):
            found[".".join(names)] = path
    return dict(sorted(found.items()))


MODULES = find_modules()


def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """The site: an index, a page for each module, its source, and a search that streams what it finds."""
    path = environ["PATH_INFO"]
    query = parse_qs(environ["QUERY_STRING"]).get("q", [""])[0].strip()
    module = MODULES.get(path.rpartition("/")[2])
    if path == "/":
        return html(start_response, show_index())
    if path == "/search" and query:
        return html(start_response, search(query))
    if path.startswith("/module/") and module:
        return html(start_response, show_module(path.rpartition("/")[2], module))
    if path.startswith("/source/") and module:
        start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
        file: Iterable[bytes] = environ["wsgi.file_wrapper"](module.open("rb"))
        return file
    return html(start_response, [page("Not found")], status="404 Not Found")


def html(start_response: StartResponse, pieces: Iterable[str], status: str = "200 OK") -> Iterator[bytes]:
    start_response(status, [("Content-Type", "text/html; charset=utf-8")])
    return (piece.encode("utf-8", "replace") for piece in pieces)


def page(title: str, query: str = "") -> str:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return PAGE.format(title=escape(title), query=escape(query, quote=True), python=python)


def show_index() -> Iterator[str]:
    links = "".join(f'<li><a href="/module/{name}">{name}</a>' for name in MODULES)
    yield f'{page("The standard library")}<ul class="columns">{links}</ul>'


def show_module(name: str, path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8", "replace"))
    text = escape(ast.get_docstring(tree) or "")
    yield f'{page(name)}<p><a href="/source/{name}">source</a><pre>{text}</pre>'
    for node in tree.body:
        if isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ) and not node.name.startswith("_"):
            kind = "class" if isinstance(node, ast.ClassDef) else "def"
            text = ast.get_docstring(node) or ""
            yield f"<h3><small>{kind}</small> {node.name}</h3><pre>{escape(text)}</pre>"


def search(query: str) -> Iterator[str]:
    """Every matching line of every module, module by module as they are found."""
    yield page(f"Search: {query}", query)
    pattern = re.compile(re.escape(query), re.IGNORECASE)
    count = 0
    for name, path in MODULES.items():
        lines = path.read_text("utf-8", "replace").splitlines()
        hits = [(number, line) for number, line in enumerate(lines, 1) if pattern.search(line)]
        if hits:
            shown = "".join(f"<small>{number:5}</small>  {escape(line)}\n" for number, line in hits)
            yield f'<h3><a href="/module/{quote(name)}">{name}</a></h3><pre>{shown}</pre>'
        count += len(hits)
        if count >= HITS_MAX:
            break
    yield f"<p>{count} lines"
