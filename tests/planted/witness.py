"""A plugin for the pytest that runs on a mutant: whose source was imported, and which tests failed."""

import json
import os
from pathlib import Path

import pytest

import vipservice

REPORT = "PLANTED_REPORT"
"""The environment variable that names the file to write."""

_failed: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed and report.nodeid not in _failed:
        _failed.append(report.nodeid)


def pytest_sessionfinish() -> None:
    source = str(Path(vipservice.__file__).resolve().parent.parent)
    Path(os.environ[REPORT]).write_text(json.dumps({"source": source, "failed": _failed}))
