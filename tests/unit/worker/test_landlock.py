"""What is kept from programs: the secrets, and nothing else."""

import asyncio
from pathlib import Path

import pytest

from vipservice.adapters.worker import landlock
from vipservice.adapters.worker.children import Ended, Programs


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with two files of keys, and others beside and below them."""
    for name in ("etc/keys/one.key", "etc/keys/two.key", "etc/keys/script", "etc/hosts", "etc/more/below"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"this is {path.name}\n")
    (tmp_path / "etc/shortcut").symlink_to("keys")
    return tmp_path


def read(path: Path, *secrets: Path) -> Ended:
    programs = Programs()
    programs.secrets = tuple(map(str, secrets))
    return asyncio.run(programs.run(("/bin/cat", str(path)), 10))


def test_what_lies_beside_the_ways_to_the_secrets_is_allowed(tree: Path) -> None:
    hidden = [("etc", "keys", "one.key"), ("etc", "keys", "two.key"), ("etc", "more")]
    allowed = dict(landlock.everything_but(hidden, str(tree)))
    assert allowed == {f"{tree}/etc/keys/script": False, f"{tree}/etc/hosts": False}


def test_a_folder_that_cannot_be_listed_allows_nothing(tree: Path) -> None:
    assert list(landlock.everything_but([("x",)], str(tree / "nowhere"))) == []


@pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
class TestPrograms:
    """Real ones, on a kernel that has Landlock."""

    def test_read_everything_where_there_is_no_secret(self, tree: Path) -> None:
        assert read(tree / "etc/keys/one.key").output == "this is one.key"

    @pytest.mark.parametrize("path", ["etc/keys/one.key", "etc/shortcut/one.key"])
    def test_cannot_read_a_secret_by_any_name(self, tree: Path, path: str) -> None:
        ended = read(tree / path, tree / "etc/keys/one.key")
        assert ended.status == 1
        assert ended.output.endswith("Permission denied")

    @pytest.mark.parametrize("path", ["etc/keys/two.key", "etc/keys/script", "etc/more/below"])
    def test_read_what_lies_beside_it(self, tree: Path, path: str) -> None:
        assert read(tree / path, tree / "etc/keys/one.key").output == f"this is {Path(path).name}"

    def test_cannot_read_what_is_in_a_secret_folder(self, tree: Path) -> None:
        assert read(tree / "etc/keys/script", tree / "etc/keys").status == 1
        assert read(tree / "etc/hosts", tree / "etc/keys").status == 0

    def test_may_move_files_between_folders_still(self, tree: Path) -> None:
        programs = Programs()
        programs.secrets = (str(tree / "etc/keys/one.key"),)
        (tree / "etc/more/other").mkdir()
        link = ("/bin/ln", str(tree / "etc/more/below"), str(tree / "etc/more/other/linked"))
        assert asyncio.run(programs.run(link, 10)) == Ended(0, "")

    def test_do_not_mind_a_secret_that_is_not_there(self, tree: Path) -> None:
        assert read(tree / "etc/hosts", tree / "etc/keys/none.key").status == 0
