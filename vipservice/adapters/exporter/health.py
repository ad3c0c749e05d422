"""Health, for service managers and load balancers: the status code is the answer."""

from collections.abc import Sequence
from http import HTTPStatus

from vipservice.adapters.exporter.answers import Answer, text
from vipservice.runtime.status import NodeStatus


def healthy(alive: bool) -> Answer:
    """Whether the loop goes round."""
    if alive:
        return text(HTTPStatus.OK, "ok")
    return text(HTTPStatus.SERVICE_UNAVAILABLE, "the loop has not gone round lately")


def active(status: NodeStatus, names: Sequence[str]) -> Answer:
    """200 only where this node serves every group that is asked for: active, and the kernel agrees."""
    groups = [status.group(name) for name in names] if names else list(status.groups)
    if None in groups:
        return text(HTTPStatus.NOT_FOUND, "there is no such group")
    lines = [f"{group.core.name} {group.core.role.value}" for group in groups if group]
    serving = bool(groups) and all(group and group.serving for group in groups)
    code = HTTPStatus.OK if serving else HTTPStatus.SERVICE_UNAVAILABLE
    return text(code, "\n".join(lines) or "no group is enabled")
