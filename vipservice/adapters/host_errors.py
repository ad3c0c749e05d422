"""What a kernel refuses, as the error that the loop knows."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from vipservice.runtime.ports import HostError


@contextmanager
def host_errors(operation: str, interface: str) -> Iterator[None]:
    """Turn what the kernel refuses inside into a HostError."""
    try:
        yield
    except OSError as error:
        raise host_error(operation, interface, error) from error


def host_error(operation: str, interface: str, error: OSError) -> HostError:
    """Say what the machine refused, in its words."""
    number = error.errno or errno.EIO
    return HostError(operation, interface, number, error.strerror or os.strerror(number))
