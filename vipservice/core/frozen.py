"""`dataclass` whose `frozen=True` the type checker holds, so that it costs nothing while the daemon runs.

Frozen for the interpreter too, a class takes twice as long to make, which a hundred times over is a good part
of a start; and an instance with ten fields takes ten calls of `object.__setattr__`, a good part of an advert.
mypy goes over the package and the tests and refuses an assignment just the same
(docs/decisions/0010-frozen-for-the-type-checker.md).
"""

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass

    __all__ = ["dataclass"]
else:

    def dataclass(*, frozen: bool = False, **options: Any) -> Any:
        """Make a dataclass; a frozen one keeps its hash, and does without the guards on assignment."""
        return dataclasses.dataclass(unsafe_hash=frozen, **options)
