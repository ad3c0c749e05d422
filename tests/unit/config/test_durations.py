import pytest

from vipservice.config.durations import DurationError, parse_duration, show_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2ms", 0.002),
        ("100ms", 0.1),
        ("1.5s", 1.5),
        ("3s", 3),
        ("1m", 60),
        ("2h", 7200),
        ("10 ms", 0.01),
        ("0s", 0),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("5", "which has no unit"),
        ("1.5", "which has no unit"),
        ("-5s", "which is negative"),
        ("5d", "which has no unit that we know (ms, s, m, h)"),
        ("5us", "which has no unit that we know (ms, s, m, h)"),
        ("5S", "which has no unit that we know (ms, s, m, h)"),
        ("", "which is not a duration"),
        ("s", "which is not a duration"),
        ("1e3s", "which is not a duration"),
        ("1m30s", "which is not a duration"),
        ("5  s", "which is not a duration"),
        ("\N{ARABIC-INDIC DIGIT FIVE}s", "which is not a duration"),
        ("9" * 5000 + "s", "which is not a duration"),
    ],
)
def test_what_is_no_duration_says_why(text: str, why: str) -> None:
    with pytest.raises(DurationError) as caught:
        parse_duration(text)
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.0005, "0.5ms"),
        (0.002, "2ms"),
        (0.1, "100ms"),
        (1.5, "1500ms"),
        (3, "3s"),
        (60, "60s"),
        (90, "90s"),
        (120, "2m"),
        (3600, "1h"),
        (86400, "24h"),
    ],
)
def test_a_duration_is_shown_in_the_largest_whole_unit(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text
    assert parse_duration(text) == seconds
