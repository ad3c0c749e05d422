"""A group on the page: who has the address, since when, why, who would take over, what was heard."""

from collections.abc import Iterable, Sequence
from itertools import chain

from vipservice.adapters.page.chart import draw_round_trips
from vipservice.adapters.page.markup import Markup, element, join
from vipservice.adapters.page.turns import draw_turns
from vipservice.adapters.page.words import ago, duration, moment
from vipservice.core.roles import Role
from vipservice.core.status import NodeView
from vipservice.runtime.health import CheckState
from vipservice.runtime.history import HistoryEntry
from vipservice.runtime.maintenance import plans
from vipservice.runtime.status import LinkGroupStatus, NodeStatus

GOOD_RUNS = frozenset({"", "ok"})
"""How hooks end that need nobody's attention."""

LATE = 3.0
"""Seconds: a node that we hear and that has not heard us for longer is at the other end of a one-way link."""


def draw_group(group: LinkGroupStatus, status: NodeStatus, turns: Sequence[HistoryEntry]) -> Markup:
    """A group's article."""
    heading = f"group-{group.core.id}"
    names = {node.address: node.name for node in group.core.nodes}
    return element(
        "article",
        _head(group, heading),
        _owner(group, status),
        _conditions(group),
        element("div", _facts(group, status), _checks(group), _nodes(group), class_="column"),
        element("div", draw_round_trips(group.round_trips, names), draw_turns(turns), class_="column"),
        aria_labelledby=heading,
    )


def draw_role(role: Role, *more: str) -> Markup:
    """A role as a sign and a word: the sign's shape tells it as well as its colour."""
    sign = element("i", aria_hidden="true")
    return element("span", sign, role.value, *more, class_=f"role {role.value}")


def _head(group: LinkGroupStatus, heading: str) -> Markup:
    addresses = chain.from_iterable((" ", element("code", str(one))) for one in group.core.addresses)
    return element(
        "header",
        element("h2", group.core.name, id=heading),
        draw_role(group.core.role, " here"),
        element("p", *addresses, f" on {group.interface}"),
    )


def _owner(group: LinkGroupStatus, status: NodeStatus) -> Markup:
    """The answer to the first question, and whether there are several; read out when it changes."""
    core = group.core
    if core.owners_observed > 1:
        sentence = join(element("strong", f"{core.owners_observed} nodes"), " hold the address")
    elif core.owner is None:
        sentence = join(element("strong", "Nobody"), " holds the address, as far as this node knows")
    else:
        here = ", this node," if core.owner == status.name and core.role is Role.ACTIVE else ""
        sentence = join(element("strong", core.owner), here, " holds the address")
    good = core.owners_observed == 1 and core.owner is not None
    return element("p", sentence, role="status", class_="owner" if good else "owner bad")


def _conditions(group: LinkGroupStatus) -> Markup | None:
    sentences = [
        element("li", element("strong", kind.value.replace("_", " ")), ": ", detail)
        for kind, detail in group.core.conditions.items()
    ]
    if group.core.role is Role.ACTIVE:
        sentences += [
            element("li", element("strong", "not bound"), f": the kernel does not have {one}")
            for one in group.core.addresses
            if not group.holds(one)
        ]
    return element("ul", *sentences, class_="alarms") if sentences else None


def _facts(group: LinkGroupStatus, status: NodeStatus) -> Markup:
    core = group.core
    since = element("small", "since ", moment(status.wall_at(core.since)))
    facts: list[tuple[str, Sequence[str | None]]] = [
        (f"{core.role.value.capitalize()} for", (duration(status.now - core.since), " ", since)),
        ("Reason", (core.detail,)),
        ("Standby", (_standby(group, status),)),
        ("Lease", (_lease(group),)),
        ("Priority", (str(core.priority), " ", element("small", f"term {core.term}"))),
    ]
    if core.maintenance:
        facts.append(("Maintenance", ("on: this node hands over and stays out",)))
    facts += [("Next", (sentence,)) for sentence in plans(core)]
    rows = chain.from_iterable((element("dt", name), element("dd", *told)) for name, told in facts)
    return element("dl", *rows)


def _standby(group: LinkGroupStatus, status: NodeStatus) -> Markup:
    """Who would take over now: heard, fit, and hearing us."""
    ready = list(_standbys(group, status)) if group.standbys else []
    if ready:
        return join(f"{', '.join(ready)} ", element("small", "ready to take over"))
    return element("span", "nobody is ready to take over", class_="bad")


def _standbys(group: LinkGroupStatus, status: NodeStatus) -> Iterable[str]:
    core = group.core
    if core.role in {Role.BACKUP, Role.PROBING} and core.healthy and not core.maintenance:
        yield f"{status.name} (this node)"
    for node in core.nodes:
        if node.living and node.fit and node.role in {Role.BACKUP, Role.PROBING}:
            yield node.name


def _lease(group: LinkGroupStatus) -> Markup:
    if group.core.role is not Role.ACTIVE:
        return element("small", "none: the address is not here")
    left = max(0.0, group.core.lease_left)
    label = f"Lease of {group.core.name}"
    meter = element("meter", min="0", max=f"{group.lease:g}", value=f"{left:.2f}", aria_label=label)
    return join(meter, f" {left:.1f} s left ", element("small", f"of {group.lease:g} s"))


def _checks(group: LinkGroupStatus) -> Markup | None:
    """Health checks and the last runs of hooks; nothing where there are none."""
    if not group.checks and not group.hooks:
        return None
    rows = [
        element(
            "tr",
            element("th", element("b", check.name), scope="row"),
            element("td", check.state.value, class_="bad" if check.state is CheckState.FAILING else None),
            element("td", check.detail, " ", element("small", f"{1000 * check.seconds:.1f} ms")),
        )
        for check in group.checks
    ]
    rows += [
        element(
            "tr",
            element("th", element("b", hook.name), element("small", "hook"), scope="row"),
            element(
                "td", hook.result or "not run yet", class_="bad" if hook.result not in GOOD_RUNS else None
            ),
            element("td", f"{hook.event} {hook.output}".strip()),
        )
        for hook in group.hooks
    ]
    heading = element("h3", "Checks and hooks" if group.hooks else "Checks")
    return join(heading, element("table", element("tbody", *rows)))


def _nodes(group: LinkGroupStatus) -> Markup:
    if not group.core.nodes:
        return join(element("h3", "Peers"), element("p", "No other node has been heard yet.", class_="none"))
    columns = ("Peer", "Role", "Heard", "Hears us")
    head = element("tr", *(element("th", name, scope="col") for name in columns))
    rows = (_node(node) for node in group.core.nodes)
    return join(
        element("h3", "Peers ", element("small", _count(group))),
        element("table", element("thead", head), element("tbody", *rows)),
    )


def _count(group: LinkGroupStatus) -> str:
    expected = group.expected_nodes
    return (
        f"{group.nodes_heard} of {expected} nodes are here"
        if expected
        else f"{group.nodes_heard} nodes are here"
    )


def _node(node: NodeView) -> Markup:
    name = join(element("b", node.name), element("small", element("code", str(node.address))))
    role = draw_role(node.role) if node.living else element("span", "silent", class_="bad")
    unfit = "" if node.fit else ", unfit"
    one_way = node.living and node.hears_us_ago > LATE
    return element(
        "tr",
        element("th", name, scope="row"),
        element("td", role, element("small", f"priority {node.priority}{unfit}")),
        element("td", ago(node.heard_ago), class_=None if node.living else "bad"),
        element("td", ago(node.hears_us_ago), class_="bad" if one_way else None),
    )
