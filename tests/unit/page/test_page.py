"""The page as HTML, without a browser."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from http import HTTPStatus
from math import inf

import pytest

from vipservice.adapters.page.page import FILES, WHOLE, Page
from vipservice.core.actions import ConditionKind
from vipservice.core.roles import Role
from vipservice.core.status import NodeView
from vipservice.core.values import GroupId
from vipservice.runtime.history import HistoryEntry
from vipservice.runtime.round_trips import RoundTrips
from vipservice.runtime.snapshot import SnapshotUnavailableError
from vipservice.runtime.status import LinkGroupStatus, NodeStatus

Node = Callable[..., NodeStatus]
Group = Callable[..., LinkGroupStatus]
View = Callable[..., NodeView]

MARKUP = "<img src=x onerror=alert(1)>\"'&"
TURN = HistoryEntry(
    "7-2",
    "transition",
    1_795_348_984.12,
    "no advert for 0.31 s",
    "vip",
    "backup",
    "probing",
    "",
    {"detect": 0.31},
)


class Read(HTMLParser):
    """The elements and the words of a page."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", self.words)


def page_of(status: NodeStatus, *turns: HistoryEntry, **query: list[str]) -> Read:
    code, _, body = Page(lambda: status, lambda _group, _limit: turns).page(query, {})
    assert code is HTTPStatus.OK
    return Read(body)


def test_a_group_says_who_has_the_address_since_when_why_and_who_would_take_over(
    node: Node, group: Group
) -> None:
    text = page_of(node(groups=(replace(group(), standbys=1),)), TURN).text
    assert "node-a, this node, holds the address" in text
    assert "Active for10 s since 22 Nov 12:03:04 UTC" in text
    assert "Reasonnode-b handed over" in text
    assert "Standbynode-b ready to take over" in text
    assert "2.5 s left of 3 s" in text
    assert "node-b192.168.3.36backuppriority 900.2 s ago0.5 s ago" in text
    assert "22 Nov 12:03:04 UTC backup → probingno advert for 0.31 s detect 310 ms" in text
    assert "vipservice 0.1.0, up for 1 min 0 s" in text


def test_a_backup_counts_itself_among_those_who_would_take_over(node: Node, group: Group, view: View) -> None:
    status = group(role=Role.BACKUP, owner="node-b", nodes=(view(role=Role.ACTIVE),))
    text = page_of(node(groups=(replace(status, standbys=1),))).text
    assert "node-b holds the address" in text
    assert "Standbynode-a (this node) ready" in text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"owners_observed": 2}, "2 nodes hold the address"),
        ({"owner": None, "owners_observed": 0}, "Nobody holds the address"),
        (
            {"conditions": {ConditionKind.HELD_BY_SILENT_PEER: "node-b answers"}},
            "held by silent peer: node-b answers",
        ),
        ({"bound": False}, "not bound: the kernel does not have 192.168.3.234"),
        ({"maintenance": True}, "Maintenanceon"),
        ({"failback_in": 12.2}, "Nextwould fail back in 12 s"),
        ({"held_back_for": 41.2, "recent_moves": 4}, "Nextheld back: 4 moves in 60 s, for another 41 s"),
        ({"nodes": ()}, "No other node has been heard yet."),
    ],
)
def test_what_is_wrong_is_said(node: Node, group: Group, changed: dict[str, object], said: str) -> None:
    assert said in page_of(node(groups=(group(**changed),))).text


def test_nobody_ready_to_take_over_is_said(node: Node, group: Group) -> None:
    assert "nobody is ready to take over" in page_of(node(groups=(replace(group(), standbys=0),))).text


def test_a_silent_peer_and_one_that_does_not_hear_us_are_said(node: Node, group: Group, view: View) -> None:
    nodes = (view(living=False, heard_ago=125.0), view(name="node-c", hears_us_ago=inf))
    read = page_of(node(groups=(group(nodes=nodes),)))
    assert "silentpriority 902 min ago" in read.text
    assert [attributes for tag, attributes in read.elements if tag == "td" and attributes] == [
        {"class": "bad"}
    ] * 2


def test_what_waits_and_what_fails_comes_first(node: Node) -> None:
    text = page_of(
        node(groups=(), waiting=("there is no interface eth7",), problems=("the disk is full",))
    ).text
    assert text.index("there is no interface eth7") < text.index("the disk is full")
    assert "no floating address is enabled" in page_of(node(groups=())).text


def test_names_and_sentences_from_elsewhere_stay_text(node: Node, group: Group, view: View) -> None:
    hostile = replace(TURN, detail=MARKUP, new=MARKUP)
    status = node(
        name=MARKUP,
        version=MARKUP,
        groups=(group(name=MARKUP, owner=MARKUP, detail=MARKUP, nodes=(view(name=MARKUP),)),),
        problems=(MARKUP,),
        notices=(MARKUP,),
    )
    read = page_of(status, hostile)
    assert "img" not in {tag for tag, _ in read.elements}
    assert not [attributes for _, attributes in read.elements if "onerror" in attributes]
    assert read.words.count(MARKUP) == 13  # every place that shows one of them


def test_lost_echoes_break_the_line_and_are_told(node: Node, group: Group) -> None:
    echoes = (0.0002, 0.0003, None, 0.0002)
    targets = (RoundTrips("gateway", group().core.addresses[0], echoes),)
    read = page_of(node(groups=(replace(group(), round_trips=targets),)))
    assert "0.20 ms, median 0.20 ms, 1 lost" in read.text
    chart = [tag for tag, _ in read.elements if tag in {"polyline", "line"}]
    assert chart == ["line", "polyline", "polyline"]


def test_without_any_answer_the_chart_says_so(node: Node, group: Group) -> None:
    targets = (RoundTrips("witness", group().core.addresses[0], (None, None)),)
    read = page_of(node(groups=(replace(group(), round_trips=targets),)))
    assert "witness 192.168.3.234no answer, 2 lost" in read.text


def test_of_many_groups_some_are_drawn_and_all_are_listed(node: Node, group: Group) -> None:
    one = group()
    many = tuple(
        replace(one, core=replace(one.core, id=GroupId(n), name=f"vip-{n}")) for n in range(1, WHOLE + 6)
    )
    read = page_of(node(groups=many))
    assert [tag for tag, _ in read.elements].count("article") == WHOLE
    links = [attributes["href"] for tag, attributes in read.elements if tag == "a"]
    assert [f"?group={n}" for n in range(1, WHOLE + 6)] == links[: WHOLE + 5]
    chosen = page_of(node(groups=many), group=[str(WHOLE + 5)])
    assert ("h2", {"id": f"group-{WHOLE + 5}"}) in chosen.elements


def test_everybody_who_is_shown_one_snapshot_is_shown_one_drawing(node: Node) -> None:
    status, asked = node(), []

    def history(group: str, limit: int) -> Sequence[HistoryEntry]:
        asked.append((group, limit))
        return ()

    page = Page(lambda: status, history)
    assert page.page({}, {}) == page.page({}, {})
    assert len(asked) == 1
    status = node()
    page.page({}, {})
    assert len(asked) == 2


def test_a_loop_that_does_not_answer_is_a_page_that_asks_again() -> None:
    def no_snapshot() -> NodeStatus:
        raise SnapshotUnavailableError("the loop has not answered for 1 s")

    code, headers, body = Page(no_snapshot, lambda _group, _limit: ()).page({}, {})
    assert code is HTTPStatus.SERVICE_UNAVAILABLE
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    read = Read(body)
    assert "the loop has not answered for 1 s" in read.text
    assert {"http-equiv": "refresh", "content": "2"} in [attributes for _, attributes in read.elements]


def test_nothing_may_be_loaded_run_or_framed_but_our_own_files(node: Node) -> None:
    routes = Page(node, lambda _group, _limit: ()).routes()
    assert set(routes) == {"/", *FILES}
    for handler in routes.values():
        code, headers, body = handler({}, {})
        assert code is HTTPStatus.OK
        assert body
        policy = headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy)
        assert "unsafe" not in headers["Content-Security-Policy"]


def test_no_style_and_no_script_stands_in_the_page_itself(node: Node) -> None:
    read = page_of(node(), TURN)
    assert not [attributes for _, attributes in read.elements if "style" in attributes]
    assert not {name for _, attributes in read.elements for name in attributes if name.startswith("on")}
    loaded = [
        attributes.get("src") or attributes.get("href")
        for tag, attributes in read.elements
        if tag in {"script", "link"}
    ]
    assert {f"/{name}" for name in loaded} == set(FILES)
