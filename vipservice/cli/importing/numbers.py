"""Their numbers and durations, where they are some."""

from vipservice.config.durations import show_duration


def whole(text: str) -> int | None:
    """A whole number of at most nine digits, with a sign or without; None for anything else."""
    digits = text.removeprefix("-").removeprefix("+")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def seconds(text: str) -> str | None:
    """Seconds, whole or with a fraction, as we write durations; None for anything else."""
    before, _, after = text.partition(".")
    if not (before + after).isascii() or not (before + after).isdigit() or len(text) > 12:
        return None
    return show_duration(float(text))
