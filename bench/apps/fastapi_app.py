"""FastAPI as most people meet it: one route that answers JSON."""

from __future__ import annotations

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def index() -> dict[str, str]:
    return {"message": "Hello, world!"}
