"""Errors of the system as operators read them."""

import os


def in_words(error: OSError) -> str:
    """What went wrong, without the addresses that asyncio and others put around it."""
    if isinstance(error, TimeoutError) and not error.errno:
        return "no answer in time"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__
