"""What installing does to a host, step by step, in a folder of the test's own."""

import os
from pathlib import Path

import pytest

from vipservice.cli.exit_codes import CommandError
from vipservice.cli.installation import changes, sources, systemd
from vipservice.config.load import load


def test_a_file_is_written_once_and_again_when_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "unit"
    changes.write(path, "one").do()
    assert path.read_text() == "one"
    assert changes.write(path, "one").done
    assert not changes.write(path, "two").done
    assert not changes.write(path, "one", 0o600).done
    assert os.listdir(path.parent) == ["unit"]


def test_a_file_of_the_admins_is_never_written_again(tmp_path: Path) -> None:
    path = tmp_path / "vipservice.yml"
    assert not changes.write(path, "ours", keep=True).done
    path.write_text("theirs")
    assert changes.write(path, "ours", keep=True).done


def test_a_planted_link_is_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / ".unit.new").symlink_to(target)
    with pytest.raises(OSError, match="symbolic link"):
        changes.write(tmp_path / "unit", "ours").do()
    assert target.read_text() == "precious"


def test_a_link_of_somebody_elses_name_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bin" / "vipservice"
    made = changes.link(path, tmp_path / "program")
    made.do()
    assert changes.link(path, tmp_path / "program").done
    assert not changes.link(path, tmp_path / "newer").done
    path.unlink()
    path.write_text("another program")
    assert changes.link(path, tmp_path / "program").done
    assert "not ours" in changes.link(path, tmp_path / "program").words


def test_a_step_that_fails_is_named_and_those_after_it_are_not_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    steps = [changes.write(tmp_path / "file" / "below", "x"), changes.write(tmp_path / "after", "x")]
    with pytest.raises(CommandError, match=r"could not write .*below"):
        changes.carry_out(steps, pretend=False)
    assert not (tmp_path / "after").exists()
    assert "after" not in capsys.readouterr().out


def test_pretending_does_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert changes.carry_out([changes.write(tmp_path / "unit", "x")], pretend=True)
    assert capsys.readouterr().out == f"would write {tmp_path}/unit\n"
    assert os.listdir(tmp_path) == []


def test_a_program_that_fails_says_what_it_said() -> None:
    failing = changes.run("fail", "sh", "-c", "echo because >&2; exit 3")
    with pytest.raises(CommandError, match="failed") as caught:
        failing.do()
    assert caught.value.hint == "because"


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(CommandError, match="no-such-program could not be run"):
        changes.run("miss", "no-such-program").do()


def test_modules_without_bytecode_are_compiled(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("x = 1\n")
    step = changes.compile_modules([tmp_path / "one.py"])
    assert not step.done
    step.do()
    assert changes.compile_modules([tmp_path / "one.py"]).done


@pytest.mark.parametrize("place", sources.HIDDEN)
def test_what_the_unit_hides_is_refused(place: str) -> None:
    assert sources.why_hidden(Path(place, "x")) == f"its unit hides {place}"


def test_a_folder_that_others_may_not_enter_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "HIDDEN", ())
    tmp_path.chmod(0o700)
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    reason = sources.why_hidden(tmp_path / "venv" / "bin" / "vipservice")
    assert reason is not None
    assert reason.endswith(f"may enter {tmp_path}")


def test_the_unit_starts_the_program_that_installed_it() -> None:
    unit = systemd.texts(Path("/srv/vip/bin/vipservice"))[systemd.UNIT]
    assert "ExecStart=/srv/vip/bin/vipservice run" in unit
    assert systemd.EXECUTABLE not in unit


def test_the_configuration_that_is_installed_is_right_and_binds_nothing() -> None:
    path = Path("packaging/vipservice.yml")
    settings = load(path)
    assert [group.enabled for group in settings.groups] == [False]
