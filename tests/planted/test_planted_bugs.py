"""The planted bugs stay in step with the source, and a part of them is caught anew in each CI run."""

import ast
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.planted.bug import Bug, BugError, all_bugs, read
from tests.planted.report import NAME, figures_of, line_of, markdown, with_kept
from tests.planted.trial import TOP, Trial, UnfairError, copy_of_checkout, failures
from vipservice.lab.results import FOLDER, load, take

BUGS = all_bugs()
HUNTED = ["the lesser of two actives stays", "release is forgotten", "isolation lasts for ever"]
"""What the simulation must find by itself: two owners, an address that stays, nobody for too long."""


NEARBY = ["the signature is not checked", "a bind that took too long stands", "a late resign is obeyed"]
"""What unit tests must catch: one of wire, runtime and core; `scripts/planted-bugs` plants all of them."""


def caught_as_recorded(bug: Bug) -> list[str]:
    """By the first of the tests that the record names."""
    recorded = {one["name"]: one["caught_by"] for one in load(NAME, TOP / FOLDER).figures["bugs"]}
    with copy_of_checkout(bug) as copy:
        return failures(copy, [f"tests/{recorded[bug.name][0].removeprefix('tests/')}"])


def caught_by_the_hunt(bug: Bug) -> list[str]:
    with copy_of_checkout(bug) as copy:
        return failures(copy, ["tests/simulation/test_incidents.py"], "-x")


@pytest.fixture(scope="module")
def trials() -> Iterator[dict[tuple[str, str], Future[list[str]]]]:
    """Two trials at a time where there are two processors; each test waits for its own."""
    by_name = {bug.name: bug for bug in BUGS}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        begun = {("hunt", name): pool.submit(caught_by_the_hunt, by_name[name]) for name in HUNTED}
        begun |= {("near", name): pool.submit(caught_as_recorded, by_name[name]) for name in NEARBY}
        yield begun
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_bug_can_be_planted_still_and_what_comes_out_can_be_read(bug: Bug) -> None:
    source = (TOP / bug.file).read_text()
    planted = bug.applied_to(source)
    assert planted != source
    if bug.file.endswith(".py"):
        ast.parse(planted)
    else:
        subprocess.run(["sh", "-n"], input=planted, text=True, check=True, timeout=10)


def test_the_record_has_every_bug_and_the_suite_caught_them_all() -> None:
    recorded = {bug["name"]: bug["catchers"] for bug in load(NAME, TOP / FOLDER).figures["bugs"]}
    again = "run scripts/planted-bugs --record and scripts/pages"
    assert sorted(recorded) == sorted(bug.name for bug in BUGS), again
    assert [name for name, catchers in recorded.items() if not catchers] == [], again


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NEARBY)
def test_the_test_that_caught_it_catches_it_still(
    name: str, trials: dict[tuple[str, str], Future[list[str]]]
) -> None:
    assert trials["near", name].result()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", HUNTED)
def test_the_simulation_finds_it(name: str, trials: dict[tuple[str, str], Future[list[str]]]) -> None:
    assert trials["hunt", name].result()


def test_a_suite_that_imports_another_source_is_no_trial() -> None:
    with copy_of_checkout() as copy:
        shutil.rmtree(copy / "vipservice")
        with pytest.raises(UnfairError, match="imported"):
            failures(copy, ["tests/unit/core/test_roles.py"])


def test_tests_that_do_not_run_are_no_trial() -> None:
    with copy_of_checkout() as copy, pytest.raises(UnfairError, match="ended with"):
        failures(copy, ["tests/unit/no_such_file.py"])


GOOD = "bug: b\nbreaks: p\nfile: f\n-old\n+new\n"


def test_a_block_is_read_as_it_is_meant() -> None:
    assert read(f"# a comment\n\n{GOOD}\n", "x") == [Bug("b", "p", "f", "old\n", "new\n")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD.replace("+new\n", ""), r"x, line 1: the bug has no \+"),
        (GOOD.replace("file: f\n", ""), "x, line 1: the bug has no file"),
        (GOOD + "why: because\n", "x, line 6: found 'why: because'; allowed are bug, breaks"),
        (GOOD + "bug: another\n", "x, line 6: found 'bug: another'"),
    ],
)
def test_a_block_that_is_not_whole_is_refused_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(BugError, match=problem):
        read(text, "x")


@pytest.mark.parametrize(("source", "times"), [("new\n", 0), ("old\nold\n", 2), ("  old\n", 0)])
def test_old_lines_that_are_not_there_exactly_once_are_refused(source: str, times: int) -> None:
    with pytest.raises(BugError, match=f"occur {times} times in f"):
        read(GOOD, "x")[0].applied_to(source)


def test_what_an_earlier_record_says_is_kept_in_the_order_of_the_files() -> None:
    trial = Trial(read(GOOD, "x")[0], {"tests/unit": ["a"]})
    earlier = {"z": {"name": "z", "catchers": 1}, "b": {"name": "b", "catchers": 0}}
    figures = with_kept(figures_of([trial], every_part=False), earlier, ["z", "b"])
    assert [(bug["name"], bug["catchers"]) for bug in figures["bugs"]] == [("z", 1), ("b", 1)]


def test_survivors_are_named_everywhere() -> None:
    bug = read(GOOD, "x")[0]
    caught, survived = Trial(bug, {"tests/unit": ["a", "b"]}), Trial(bug, {"tests/unit": []})
    assert "caught    b: a and 1 more" in line_of(caught)
    assert line_of(survived).startswith("SURVIVED  b")
    page = markdown(take(NAME, "c", figures_of([caught, survived], every_part=True)))
    assert "2 bugs were planted, the suite caught 1 of them" in page
    assert "| b | p | **none** | 0 |" in page
