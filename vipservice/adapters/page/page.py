"""Serves the page and the three files that it loads; nothing else may be loaded, run or framed."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from http import HTTPStatus
from importlib.resources import files

from vipservice.adapters.exporter.answers import Answer, Headers, Query
from vipservice.adapters.page.document import draw_failure, draw_page
from vipservice.runtime.history import HistoryEntry
from vipservice.runtime.snapshot import SnapshotUnavailableError
from vipservice.runtime.status import LinkGroupStatus, NodeStatus

TURNS = 8
"""Changes shown of each group."""

WHOLE = 12
"""Groups drawn in whole on one page: each costs about 0.7 ms that the loop shares the interpreter for."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

STRICT = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What a browser may do with our answers."""

FILES = {
    "/page.css": "text/css; charset=utf-8",
    "/page.js": "text/javascript; charset=utf-8",
    "/icon.svg": "image/svg+xml",
}

History = Callable[[str, int], Sequence[HistoryEntry]]


class Page:
    """Answers for `/` and its files; called from the exporter's threads.

    Args:
        snapshot: Everything this node knows now.
        history: The latest changes of a group, by its name, at most so many, the latest first.
    """

    def __init__(self, snapshot: Callable[[], NodeStatus], history: History) -> None:
        self._snapshot = snapshot
        self._history = history
        self._drawn: tuple[NodeStatus, bytes] | None = None

    def routes(self) -> dict[str, Callable[[Query, Headers], Answer]]:
        """What to call for each path."""
        return {"/": self.page, **{path: partial(_file, path) for path in FILES}}

    def page(self, query: Query, _headers: Headers) -> Answer:
        """The page, of the groups that `group` in the query names; a failure is a page too: it asks again."""
        try:
            status = self._snapshot()
        except SnapshotUnavailableError as error:
            return _html(HTTPStatus.SERVICE_UNAVAILABLE, draw_failure(str(error)))
        if names := query.get("group"):
            chosen = [group for name in names if (group := status.group(name))]
            return _html(HTTPStatus.OK, self._draw(status, chosen[:WHOLE]))
        return _html(HTTPStatus.OK, self._draw_once(status))

    def _draw_once(self, status: NodeStatus) -> bytes:
        """A crowd that is shown the same snapshot is shown the same drawing of it."""
        drawn = self._drawn
        if drawn is None or drawn[0] is not status:
            drawn = self._drawn = status, self._draw(status, status.groups[:WHOLE])
        return drawn[1]

    def _draw(self, status: NodeStatus, groups: Sequence[LinkGroupStatus]) -> bytes:
        turns = {group.core.name: self._history(group.core.name, TURNS) for group in groups}
        return draw_page(status, groups, turns)


def _html(code: HTTPStatus, body: bytes) -> Answer:
    return code, {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", **STRICT}, body


def _file(path: str, _query: Query, _headers: Headers) -> Answer:
    return HTTPStatus.OK, {"Content-Type": FILES[path], "Cache-Control": "max-age=60", **STRICT}, _read(path)


@cache
def _read(path: str) -> bytes:
    return files(__package__).joinpath(path.lstrip("/")).read_bytes()
