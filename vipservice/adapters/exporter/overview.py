"""A page for people who have a browser and nothing else."""

import html
from http import HTTPStatus

from vipservice.adapters.exporter.answers import Answer
from vipservice.runtime.status import LinkGroupStatus, NodeStatus


def page(status: NodeStatus) -> Answer:
    """The snapshot as HTML."""
    return HTTPStatus.OK, {"Content-Type": "text/html; charset=utf-8"}, _draw(status).encode()


def _draw(status: NodeStatus) -> str:
    """The page; whatever comes from elsewhere is escaped."""
    name, version = html.escape(status.name), html.escape(status.version)
    rows = "".join(_row(group) for group in status.groups)
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in (*status.waiting, *status.problems))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}: vipservice</title>'
        f"<h1>{name}</h1><p>vipservice {version}</p>"
        f"<table><tr><th>group<th>addresses<th>interface<th>role<th>owner<th>why</tr>{rows}</table>{notes}"
        '<p><a href="/metrics">metrics</a> <a href="/healthz">health</a> <a href="/active">active</a></p>\n'
    )


def _row(group: LinkGroupStatus) -> str:
    core = group.core
    addresses = ", ".join(str(one) for one in core.addresses)
    cells = (core.name, addresses, group.interface, core.role.value, core.owner or "nobody", core.detail)
    return "<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in cells) + "</tr>"
