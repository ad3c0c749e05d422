"""What lies over this machine's own root in the booted ones: nothing has to be fetched to boot them.

The root is the lower layer of an overlay, read only; the one below, made once and shared by all machines,
comes on top of it, and what a machine writes goes with the machine.
"""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from vipservice.lab.booted.needs import INTERPRETER

TOP = Path(__file__).resolve().parents[3]
"""Of the checkout."""

COMMAND = "/opt/vipservice/bin/vipservice"
IMPORTED = ("vipservice", "jeepney", "prometheus_client", "psutil", "rich", "sdnotify", "yaml", "_yaml")
DRAWN_WITH = ("markdown_it", "mdurl", "pygments")
"""What rich needs."""

LAUNCHER = """\
#!/opt/vipservice/bin/python -I
import sys
from vipservice.cli.main import main
sys.exit(main())
"""


def make(top: Path) -> Path:
    """A virtual environment with the program in /opt/vipservice, as pip would make it; its folder."""
    top.chmod(0o755)
    environment = top / "opt/vipservice"
    _run(str(INTERPRETER), "-m", "venv", "--without-pip", str(environment))
    launcher = environment / "bin/vipservice"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)
    [library] = environment.glob("lib/python3.*/site-packages")
    for name in (*IMPORTED, *DRAWN_WITH):
        shutil.copytree(_source(name), library / name)
    _run(sys.executable, "-m", "compileall", "-q", str(library))
    shutil.copytree(TOP / "packaging", library / "vipservice/packaging")
    return top


def _source(name: str) -> Path:
    found = importlib.util.find_spec(name)
    assert found is not None, name
    assert found.origin is not None, name
    return Path(found.origin).parent


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=60)  # noqa: S603 - our own words
