"""The reference pages of the documents: what `--help`, the configuration's tables and exit codes say."""

import argparse
from collections.abc import Iterable, Iterator
from types import ModuleType

from vipservice.cli.exit_codes import MEANINGS
from vipservice.cli.main import COMMANDS, command_module
from vipservice.cli.reference.tables import markdown, row
from vipservice.config.durations import show_duration
from vipservice.config.group_keys import OUR_KEYS
from vipservice.config.sections import SECTIONS
from vipservice.config.timers import PRESETS
from vipservice.runtime.reload import BUILT_ON, NEED_RESTART, NEED_UPGRADE, PLACE


def configuration() -> str:
    """Every key, a table for each section of the file."""
    sections = ((section.name, section.doc, markdown(section.keys)) for section in SECTIONS)
    return "\n".join(f"## `{name}`\n\n{doc}\n\n{table}" for name, doc, table in sections)


def presets() -> str:
    """What the words of `timing` stand for."""
    lines = [row(["`timing`", "advert interval", "for"]), row(["---"] * 3)]
    for name, preset in PRESETS.items():
        lines.append(row([f"`{name}`", show_duration(preset.advert_interval), preset.reason]))
    return "\n".join(lines)


def reloads() -> str:
    """What a change of each key takes, and what it costs the group's clients."""
    others = (section for section in SECTIONS if section.name != "floating_ip")
    waiting = NEED_UPGRADE | NEED_RESTART
    outside = {f"{section.name}.{key.name}" for section in others for key in section.keys} - waiting
    own = {key.name for key in OUR_KEYS} - {*BUILT_ON, *PLACE, "enabled", "id", "ip"}
    handover = "a handover, or a failover where no node with equal addresses is ready"
    ways = [
        (_names({*own, *outside}), "reload, live", "nothing"),
        (f"`ip` loses an address; {_names(BUILT_ON)}", "reload, in place", "nothing"),
        (f"`ip` gets an address; {_names(PLACE)}", "reload, handing over first", handover),
        ("a group comes (`id`, `enabled`)", "reload", "nothing"),
        ("a group goes (`id`, `enabled`)", "reload, handing over first", "a handover"),
        (_names(NEED_UPGRADE), "`vipservice upgrade`", "nothing"),
        (_names(NEED_RESTART), "restart", "a handover"),
    ]
    lines = [row(["change", "applies", "what it costs"]), row(["---"] * 3)]
    return "\n".join(lines + [row(list(way)) for way in ways])


def _names(keys: Iterable[str]) -> str:
    return ", ".join(f"`{key}`" for key in sorted(keys, key=lambda key: ("." in key, key)))


def exit_codes() -> str:
    """How a command can end."""
    lines = [row(["code", "meaning"]), row(["---"] * 2)]
    return "\n".join(lines + [row([str(code), meaning]) for code, meaning in MEANINGS.items()])


def commands() -> str:
    """Every command with its arguments and examples."""
    return "\n".join("\n".join(_command(name)) for name in COMMANDS)


def _command(name: str) -> Iterator[str]:
    module = command_module(name)
    parser = argparse.ArgumentParser(add_help=False)
    module.add_arguments(parser)
    yield f"## `vipservice {name}`\n"
    yield f"{COMMANDS[name][0].upper()}{COMMANDS[name][1:]}.\n"
    arguments = [row([_shape(action), _help(action)]) for action in parser._actions]  # noqa: SLF001 - argparse tells it nowhere else
    if arguments:
        yield "\n".join([row(["argument", "meaning"]), row(["---"] * 2), *arguments]) + "\n"
    yield from _examples(module)


def _shape(action: argparse.Action) -> str:
    """How the argument is written, such as `--limit N`."""
    value = action.metavar or (f"{{{','.join(action.choices)}}}" if action.choices else action.dest.upper())
    takes_value = action.nargs != 0
    forms = [f"{form} {value}" if takes_value else form for form in action.option_strings] or [str(value)]
    return ", ".join(f"`{form}`" for form in forms)


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")


def _examples(module: ModuleType) -> Iterator[str]:
    text = getattr(module, "EXAMPLES", "").strip()
    if text:
        yield f"```text\n{text}\n```\n"
