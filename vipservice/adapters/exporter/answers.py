"""Answers to HTTP requests, as values."""

from collections.abc import Mapping
from http import HTTPStatus

Query = Mapping[str, list[str]]
Headers = Mapping[str, str]
Answer = tuple[HTTPStatus, dict[str, str], bytes]
"""Status, headers of its own, body."""


def text(code: HTTPStatus, said: str) -> Answer:
    """A line for people."""
    return code, {"Content-Type": "text/plain; charset=utf-8"}, f"{said}\n".encode()


def json_text(body: str) -> Answer:
    """JSON that is written already; never to be kept by anything on the way."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return HTTPStatus.OK, headers, f"{body}\n".encode()
