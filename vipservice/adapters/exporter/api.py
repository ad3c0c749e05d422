"""JSON for programs: the snapshot, the history, and where Prometheus finds all nodes.

A list is written item by item: the JSON writer is C and keeps the interpreter from the loop while it runs.
"""

import json
from http import HTTPStatus

from vipservice.adapters.exporter.answers import Answer, Query, json_text, text
from vipservice.core.values import Address
from vipservice.runtime.history import KEPT, History
from vipservice.runtime.status import NodeStatus, to_json


def status(shown: NodeStatus) -> Answer:
    """What `vipservice status --json` prints; its shape is documented with `to_json`."""
    node = to_json(shown)
    groups = node.pop("groups")
    written = ", ".join(json.dumps(group) for group in groups)
    return json_text(f'{json.dumps(node)[:-1]}, "groups": [{written}]}}')


def history(shown: History, query: Query) -> Answer:
    """The latest entries, newest first; `?group=NAME` and `?limit=N` narrow it."""
    group = query.get("group", [None])[0]
    limit = query.get("limit", [str(KEPT)])[0]
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10):
        return text(HTTPStatus.BAD_REQUEST, "limit must be a whole number")
    return json_text(shown.to_json(group, int(limit)))


def targets(shown: NodeStatus, port: int) -> Answer:
    """Every node known, for Prometheus' http_sd_config: this one, those heard, those remembered.

    They are taken to serve metrics on the same port as this node. One that is down stays in: a target that
    vanished would not be missed.
    """
    names = {_place(peer.address, port): peer.name for peer in shown.peers if peer.living or peer.last_seen}
    names |= {_place(address, port): shown.name for address in shown.addresses[:1]}
    groups = [{"targets": [place], "labels": {"node": name}} for place, name in sorted(names.items())]
    return json_text(json.dumps(groups))


def _place(address: Address, port: int) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
