"""Bad configurations, each with the whole sentences that the operator reads (in refused.txt)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vipservice.config.load import load
from vipservice.config.problems import ConfigError

Refuse = Callable[[str], list[str]]


def cases() -> Iterator[tuple[str, list[str]]]:
    """Blocks of a configuration and, behind `=> `, its sentences."""
    text = Path(__file__).with_name("refused.txt").read_text()
    for block in text.split("\n\n")[1:]:
        lines = block.strip("\n").split("\n")
        yield (
            "\n".join(line for line in lines if not line.startswith("=> ")),
            [line.removeprefix("=> ") for line in lines if line.startswith("=> ")],
        )


CASES = list(cases())


@pytest.mark.parametrize(("text", "sentences"), CASES, ids=[" ".join(text.split())[:60] for text, _ in CASES])
def test_a_bad_configuration_gets_its_sentences(refuse: Refuse, text: str, sentences: list[str]) -> None:
    assert sentences
    assert refuse(text) == sentences


def test_the_list_of_bad_configurations_was_found() -> None:
    assert len(CASES) > 100


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"floating_ip: {{name: {'n' * 64}}}",
            f"name: found '{'n' * 57}...', which has 64 bytes; write 1 to 63 printable bytes",
        ),
        (
            f"floating_ip: {{name: {'ü' * 32}}}",
            f"name: found '{'ü' * 32}', which has 64 bytes; write 1 to 63 printable bytes",
        ),
        (
            f"floating_ip: {{priority: {'9' * 5000}}}",
            f"priority: found '{'9' * 57}...', which is not a whole number; "
            "write a whole number from 1 to 254",
        ),
        (
            f"floating_ip: {{ping: {'9' * 5000}s}}",
            f"ping: found '{'9' * 57}...', which is not a duration; "
            "write off, or a duration between 10ms and 1h",
        ),
    ],
)
def test_a_long_value_is_not_repeated_at_full_length(refuse: Refuse, text: str, expected: str) -> None:
    assert refuse(text) == [f"1: floating_ip.{expected}"]


def test_a_socket_path_that_no_kernel_takes_is_refused(refuse: Refuse) -> None:
    [sentence] = refuse(f"node: {{control_socket: /{'s' * 103}}}")
    assert "which is longer than the 103 bytes of a socket's path" in sentence


def test_every_problem_of_a_file_is_reported_in_the_order_of_the_file(refuse: Refuse) -> None:
    sentences = refuse(
        "log:\n"
        "  level: loud\n"
        "floating_ip:\n"
        "  witnesses: *nobody\n"
        "  priority: 0\n"
        "  ip: [10.0.0.1, a, 10.0.0.2, b]\n"
        "  lease: !mine 3\n"
        "metric: {}\n"
    )
    assert [sentence.split(": ")[:2] for sentence in sentences] == [
        ["2", "log.level"],
        ["4", "found the alias '*nobody'; write the value out"],
        ["5", "floating_ip.priority"],
        ["6", "floating_ip.ip[1]"],
        ["6", "floating_ip.ip[3]"],
        ["7", "found the tag '!mine'; remove the tag; a key knows its type"],
        ["7", "floating_ip.lease"],
        ["8", "metric"],
    ]


def test_a_flood_of_problems_is_cut_off_with_their_number(refuse: Refuse) -> None:
    sentences = refuse("floating_ip:\n" + "".join(f"  - {{id: {n}}}\n" for n in range(300, 450)))
    assert len(sentences) == 101
    assert sentences[-1] == " 200 further problems are not shown"


def test_an_error_names_the_file_that_was_loaded(tmp_path: Path) -> None:
    path = tmp_path / "vipservice.yml"
    path.write_text("floating_ip:\n  priority: 300\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:2: floating_ip.priority: found '300'")
