"""What each path answers: one table, path to handler."""

import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from vipservice.adapters.exporter import api, health, scrape
from vipservice.adapters.exporter.answers import Answer, Headers, Query, text
from vipservice.adapters.page.page import Page
from vipservice.runtime.shown import Shown
from vipservice.runtime.snapshot import SnapshotUnavailableError

Handler = Callable[[Query, Headers], Answer]
"""Called in one of the server's threads with the query and the headers, their names in small letters.

SnapshotUnavailableError may leave it: the loop did not answer.
"""


def routes(shown: Shown, port: int) -> dict[str, Handler]:
    """Everything there is to see; `port` is where we listen, and peers are taken to listen too."""
    written: dict[str, Handler] = {
        **Page(shown.snapshot, shown.history.latest).routes(),
        "/metrics": lambda query, headers: scrape.metrics(shown.registry, query, headers),
        "/api/v1/status": lambda _query, _headers: api.status(shown.snapshot()),
        "/api/v1/history": lambda query, _headers: api.history(shown.history, query),
        "/sd": lambda _query, _headers: api.targets(shown.snapshot(), port),
    }
    return {
        **_in_turn(written),
        "/healthz": lambda _query, _headers: health.healthy(shown.alive()),
        "/-/healthy": lambda _query, _headers: health.healthy(shown.alive()),
        "/-/ready": lambda _query, _headers: health.healthy(shown.alive()),
        "/active": lambda query, _headers: health.active(shown.snapshot(), query.get("group", [])),
    }


def _in_turn(handlers: Mapping[str, Handler]) -> dict[str, Handler]:
    """One answer is written at a time: the loop shares the interpreter with one thread, not with eight.

    A loop that wakes waits for the interpreter behind everybody who wants it too. Health is answered at once.
    """
    turn = threading.Lock()

    def in_turn(handler: Handler) -> Handler:
        def handle(query: Query, headers: Headers) -> Answer:
            with turn:
                return handler(query, headers)

        return handle

    return {path: in_turn(handler) for path, handler in handlers.items()}


def answer(table: Mapping[str, Handler], target: str, headers: Headers) -> Answer:
    """Answer a GET for `target`, path and query."""
    try:
        url = urlsplit(target)
        query = parse_qs(url.query)
    except ValueError:
        return text(HTTPStatus.BAD_REQUEST, "that is no path")
    handler = table.get(url.path)
    if handler is None:
        return text(HTTPStatus.NOT_FOUND, "there is nothing here; see /")
    try:
        return handler(query, headers)
    except SnapshotUnavailableError as error:
        return text(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
