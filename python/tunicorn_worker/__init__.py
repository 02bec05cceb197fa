"""tunicorn's Python half: a forkserver, and workers that run WSGI applications. Standard library only."""

VERSION = "0.1.0"
