"""The sdist and the wheel that is built of it: whole, and enough for a machine that has nothing of ours."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import vipservice

TOP = Path(vipservice.__file__).parents[1]
CONFIGURATION = "floating_ip: {enabled: true, ip: 192.0.2.10, interface: lo}\n"
SHIPPED = (
    "man/vipservice.8",
    "systemd/vipservice.service",
    "launchd/org.vipservice.daemon.plist",
    "vipservice.yml",
)

pytestmark = pytest.mark.timeout(300)


def run(*command: str | Path, expected: int = 0) -> str:
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240, cwd="/")
    assert ended.returncode == expected, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both; the wheel is made of what the sdist has."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, TOP)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [found] = built.glob("vipservice-*-py3-none-any.whl")
    return found


def test_the_wheel_has_every_module_and_what_install_puts_on_a_host(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(TOP)) for path in (TOP / "vipservice").rglob("*.py")}
    assert modules <= names
    assert {f"vipservice/packaging/{name}" for name in SHIPPED} <= names
    assert not {name for name in names if not name.startswith("vipservice")}


def test_the_sdist_has_the_tests_and_the_documents_too(built: Path) -> None:
    [sdist] = built.glob("vipservice-*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "docs/index.md", "scripts/test", "tests/packaging/test_distributions.py"} <= names
    assert not {name for name in names if name.startswith((".venv", ".git/"))}


def test_it_works_in_an_environment_with_nothing_else(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "fresh")
    run(tmp_path / "fresh/bin/pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    command = tmp_path / "fresh/bin/vipservice"
    configuration = tmp_path / "vipservice.yml"
    configuration.write_text(CONFIGURATION)
    assert run(command, "--version").strip() == f"vipservice {vipservice.__version__}"
    said = run(command, "check", "--config", configuration, expected=os.EX_CONFIG)
    assert f"{configuration}:1: floating_ip.interface: found 'lo'" in said
    compiled = list((tmp_path / "fresh").glob("lib/*/site-packages/vipservice/__pycache__/*.pyc"))
    assert compiled, "pip compiles at installation: the service itself can't write"
