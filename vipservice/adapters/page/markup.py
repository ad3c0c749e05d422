"""HTML in which a text stays a text: whatever is not markup made here is escaped, so nobody can forget to."""

import html

LEFT_OPEN = frozenset({"meta", "link"})
"""Elements without content and end."""

Child = str | None
"""Markup, or a text, which will be escaped; None for nothing."""


class Markup(str):
    """A piece of HTML; made by `element`, `join` and `constant` only."""

    __slots__ = ()


def constant(source: str) -> Markup:
    """A piece of HTML that stands in this program's own source."""
    return Markup(source)


def join(*children: Child) -> Markup:
    """One piece after the other."""
    return Markup("".join(map(_escape, children)))


def element(name: str, *children: Child, **attributes: str | bool | None) -> Markup:
    """An element.

    Args:
        name: What kind, `svg` and its parts included.
        children: What is in it.
        attributes: `class_` is the attribute class, `aria_label` aria-label; True has no value, False and
            None leave it out.
    """
    written = "".join(
        f" {_attribute_name(key)}" + ("" if value is True else f'="{html.escape(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    start = f"<{name}{written}>"
    return Markup(start if name in LEFT_OPEN else f"{start}{join(*children)}</{name}>")


def _attribute_name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _escape(child: Child) -> str:
    if child is None:
        return ""
    return child if isinstance(child, Markup) else html.escape(child)
