"""What cannot run elsewhere than on Linux, by name and with the reason."""

import platform

import pytest

LINUX_ONLY = {
    "tests/live/": "network namespaces are Linux's",
    "tests/unit/adapters/test_process.py": "capabilities and SCHED_RR are Linux's",
    "tests/unit/adapters/test_ticks.py": "jiffies are Linux's",
    "tests/unit/cli/test_manual.py": "the pages are written on Linux, with the paths of Linux",
    "tests/unit/cli/test_packaging.py": "the unit's paths are those of Linux",
    "tests/unit/runtime/test_control.py::test_a_refused_start_keeps": "it counts descriptors in /proc",
    "tests/unit/worker/test_checks.py::test_a_child_gets_no_secrets": "it counts descriptors in /proc",
    "tests/unit/worker/test_checks.py::test_processes_are_counted": "it reads its own name in /proc",
}
"""By the beginning of a test's id."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if platform.system() == "Linux":
        return
    for item in items:
        for beginning, reason in LINUX_ONLY.items():
            if item.nodeid.startswith(beginning):
                item.add_marker(pytest.mark.skip(reason=reason))
