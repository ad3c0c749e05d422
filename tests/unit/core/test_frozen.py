"""Values are frozen for the type checker, and behave as values all the same."""

from vipservice.core.frozen import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    row: int
    seat: int = 1


def test_a_value_is_equal_hashable_and_ordered_as_a_frozen_dataclass_is() -> None:
    assert Place(2) == Place(2, 1) != Place(3)
    assert len({Place(2), Place(2, 1), Place(3)}) == 2
    assert Place(2) < Place(3)


def test_the_type_checker_refuses_an_assignment_to_a_value() -> None:
    """`scripts/test types` fails where mypy has nothing to say to this line: an unused ignore is an error."""
    place = Place(2)
    place.row = 3  # type: ignore[misc]
    assert place != Place(2), "the interpreter lets it pass: that is what it costs to be quick"
