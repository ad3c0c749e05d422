"""The tables are what the manual is printed from, so they have to be fit to print."""

from pathlib import Path
from typing import Any

import pytest

from vipservice.config.group_keys import ENABLED, MEANINGLESS_KEYS, OUR_KEYS
from vipservice.config.load import loads
from vipservice.config.problems import ConfigError
from vipservice.config.schema import Key
from vipservice.config.sections import SECTIONS

KEYS = [(section.name, key) for section in SECTIONS for key in section.keys if key not in MEANINGLESS_KEYS]
LIKE_DEFAULTS = [
    (section, key)
    for section, key in KEYS
    if key.default_text != "none" and " " not in key.default_text and key.name != "advert_interval"
]


@pytest.mark.parametrize(("section", "key"), KEYS, ids=lambda value: getattr(value, "name", value))
def test_every_key_says_what_it_is_for_and_what_is_allowed(section: str, key: Key[Any]) -> None:
    assert key.doc.endswith(".")
    assert key.doc[0].isupper()
    assert key.allowed
    assert not key.allowed.endswith(".")
    assert key.default_text
    assert not set(key.default_text) & set("()<>")


@pytest.mark.parametrize(("section", "key"), LIKE_DEFAULTS, ids=lambda value: getattr(value, "name", value))
def test_a_default_as_printed_is_the_default_as_read(section: str, key: Key[Any]) -> None:
    def values(text: str) -> object:
        settings = loads(text, Path("vipservice.yml"))
        return settings.groups, settings.node, settings.adverts, settings.metrics, settings.log

    assert values(f"{section}: {{{key.name}: '{key.default_text}'}}") == values(f"{section}: {{}}")


def test_printed_defaults_were_compared() -> None:
    assert len(LIKE_DEFAULTS) > 15


@pytest.mark.parametrize(("section", "key"), KEYS, ids=lambda value: getattr(value, "name", value))
def test_nonsense_for_any_key_is_refused_at_that_key(section: str, key: Key[Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(f"{section}:\n  {key.name}: [[x]]\n", Path("vipservice.yml"))
    paths = {problem.key_path for problem in caught.value.problems}
    assert paths
    assert all(path.startswith(f"{section}.{key.name}") for path in paths)


def test_a_group_is_disabled_by_default() -> None:
    assert ENABLED.default is False
    assert ENABLED in OUR_KEYS
