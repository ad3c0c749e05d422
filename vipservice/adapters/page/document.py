"""The whole page as HTML: everything is in it, the script only keeps it fresh."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from vipservice.adapters.page.group import draw_group, draw_role
from vipservice.adapters.page.markup import Markup, constant, element, join
from vipservice.adapters.page.words import duration, moment
from vipservice.runtime.history import HistoryEntry
from vipservice.runtime.status import LinkGroupStatus, NodeStatus

REFRESH = "2"
"""Seconds after which a browser without scripts asks again."""

LINKS = (
    ("metrics", "metrics"),
    ("api/v1/status", "status as JSON"),
    ("api/v1/history", "history as JSON"),
    ("healthz", "health"),
    ("active", "active"),
)


def draw_page(
    status: NodeStatus, groups: Sequence[LinkGroupStatus], turns: Mapping[str, Sequence[HistoryEntry]]
) -> bytes:
    """The page of a node.

    Args:
        status: Everything it knows.
        groups: Those to draw in whole; where these aren't all, a list of all comes first.
        turns: The last changes of each of them, by its name, the latest first.
    """
    roles = ", ".join(dict.fromkeys(group.core.role.value for group in status.groups)) or "no group"
    articles = (draw_group(group, status, turns.get(group.core.name, ())) for group in groups)
    return _document(
        f"{status.name}: {roles}",
        element(
            "header",
            element("h1", status.name),
            element("p", moment(status.wall), class_="now"),
            element("p", f"vipservice {status.version}, up for {duration(status.now - status.started)}"),
        ),
        element("p", role="alert", id="silence", hidden=True),
        element("main", _attention(status), _all_groups(status, groups), *articles),
        _footer(status),
        version=status.version,
    )


def draw_failure(sentence: str) -> bytes:
    """The page while the loop has no answer for us."""
    return _document(
        "vipservice: no answer",
        element("main", element("h1", "No answer"), element("p", sentence)),
        version="",
    )


def _document(title: str, *body: Markup, version: str) -> bytes:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="color-scheme", content="light dark"),
        element("title", title),
        element("link", rel="icon", href="icon.svg"),
        element("link", rel="stylesheet", href="page.css"),
        element("noscript", element("meta", http_equiv="refresh", content=REFRESH)),
        element("script", src="page.js", defer=True),
    )
    html = element("html", head, element("body", *body), lang="en", data_version=version)
    return join(constant("<!doctype html>\n"), html, "\n").encode()


def _all_groups(status: NodeStatus, drawn: Sequence[LinkGroupStatus]) -> Markup | None:
    """A line for each group, where not all of them are drawn in whole."""
    if len(drawn) == len(status.groups):
        return None
    lines = (
        element(
            "li",
            element("a", group.core.name, href=f"?group={group.core.id}"),
            " ",
            draw_role(group.core.role),
            f" {group.core.owner or 'nobody'} holds {', '.join(map(str, group.core.addresses))}",
        )
        for group in status.groups
    )
    title = element("h2", f"All {len(status.groups)} groups")
    return element("nav", title, element("ul", *lines), aria_label="All groups")


def _attention(status: NodeStatus) -> Markup | None:
    """What deserves a look, about the node as a whole."""
    sentences = list(_sentences(status))
    if not sentences:
        return None
    return element(
        "section",
        element("ul", *(element("li", one) for one in sentences), class_="alarms"),
        aria_label="Attention",
    )


def _sentences(status: NodeStatus) -> Iterable[str]:
    if not status.groups and not status.waiting:
        yield "no floating address is enabled"
    yield from status.waiting
    yield from status.problems
    if not status.reload.ok:
        yield "the last reload failed; the configuration before it is in force"


def _footer(status: NodeStatus) -> Markup:
    links = chain.from_iterable((element("a", name, href=path), " ") for path, name in LINKS)
    notices = [element("li", notice) for notice in status.notices]
    return element(
        "footer",
        element("nav", *links, aria_label="For programs"),
        element("p", "configured by ", element("code", str(status.source))),
        element("ul", *notices) if notices else None,
    )
