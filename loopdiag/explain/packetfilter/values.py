"""What a field of a packet can hold, and whether it lies within something: True, False, or None for cannot know."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable


class Span(NamedTuple):
    """A whole number somewhere from `low` to `high`, both included; exactly known where they are equal."""

    low: int
    high: int

    @property
    def exact(self) -> bool:
        return self.low == self.high


class Absent(Enum):
    """What a match looks at is not in this packet: the rule does not match, whatever the operator."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT
Value: TypeAlias = "Span | str | tuple[Value, ...] | Absent | None"  # None: it is there, but cannot be known
Answer: TypeAlias = "bool | None"

ANY_PORT = Span(0, 65535)


def exactly(number: int) -> Span:
    """A number that is known."""
    return Span(number, number)


def within(value: Value, element: Value) -> Answer:
    """Whether `value` lies in `element` (a range, a name with or without a final *, or one of each in a row)."""
    if value is ABSENT:
        return False
    if value is None or element is None:
        return None
    if isinstance(value, tuple) and not isinstance(value, Span):
        if not isinstance(element, tuple) or len(element) != len(value):
            return None
        return all_of(within(one, other) for one, other in zip(value, element, strict=True))  # type: ignore[arg-type]
    if isinstance(value, Span) and isinstance(element, Span):
        if element.low <= value.low and value.high <= element.high:
            return True
        return False if value.high < element.low or element.high < value.low else None
    if isinstance(value, str) and isinstance(element, str):
        return value.startswith(element[:-1]) if element.endswith("*") else value == element
    return None


def compare(value: Value, operator: str, bound: Value) -> Answer:
    """`value < bound` and the like, for numbers."""
    if value is ABSENT:
        return False
    if not isinstance(value, Span) or not isinstance(bound, Span):
        return None
    certain, possible = {
        "<": (value.high < bound.low, value.low < bound.low),
        "<=": (value.high <= bound.low, value.low <= bound.low),
        ">": (value.low > bound.high, value.high > bound.high),
        ">=": (value.low >= bound.high, value.high >= bound.high),
    }[operator]
    return True if certain else None if possible else False


def negate(answer: Answer) -> Answer:
    """Not; what cannot be known stays so."""
    return None if answer is None else not answer


def any_of(answers: Iterable[Answer]) -> Answer:
    """True where one is, False where all are."""
    result: Answer = False
    for answer in answers:
        if answer:
            return True
        if answer is None:
            result = None
    return result


def all_of(answers: Iterable[Answer]) -> Answer:
    """False where one is, True where all are."""
    return negate(any_of(map(negate, answers)))
