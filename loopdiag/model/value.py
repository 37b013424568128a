"""`dataclass` of the standard library, made ten times as fast: a command loads some sixty of them before it begins.

The standard one compiles six methods for each class. Here they are the same functions for all, and only __init__ is
compiled, once a class has many instances, as few ever have. What differs: `frozen` is kept by the type checker alone,
and nothing can be ordered.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, unsafe_hash=False, **how):
        """As a decorator with or without arguments, which are those of the standard one."""

        def make(cls):
            own = vars(cls)
            made = dataclasses.dataclass(cls, init=False, repr=False, eq=False, **how)
            made.__init__ = _init(made)
            if "__repr__" not in own:
                made.__repr__ = _repr
            if eq and "__eq__" not in own:
                made.__eq__ = _equal
                made.__hash__ = _hash if frozen or unsafe_hash else None
            return made

        return make if cls is None else make(cls)


_FEW = 40  # instances; to compile the __init__ of twenty fields takes as long as to fill in so many without


def _init(made: Any) -> Callable[..., None]:
    """Fills in the first instances by the fields' names, which takes 3 us, and then gives way to a compiled one."""
    left = _FEW

    def init(self: Any, *args: Any, **given: Any) -> None:
        nonlocal left
        left -= 1
        values = _filled_in(made, args, given) if left >= 0 else None
        if values is None:  # or what is given does not fit, which the standard one says best
            made.__init__ = _compiled_init(made)
            made.__init__(self, *args, **given)
            return
        for name, value in values.items():
            setattr(self, name, value)

    return init


def _filled_in(made: Any, args: tuple[Any, ...], given: dict[str, Any]) -> dict[str, Any] | None:
    """The value of every field; None where what is given does not fit."""
    names, positional, taken, defaults, factories = _plan(made)
    placed = dict(zip(positional, args, strict=False))
    if len(args) > len(positional) or not given.keys() <= taken or not placed.keys().isdisjoint(given):
        return None
    values = {**defaults, **placed, **given}
    for name, make in factories:
        if name not in values:
            values[name] = make()
    return values if len(values) == len(names) else None


@cache
def _plan(of: Any) -> tuple[list[str], list[str], set[str], dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """All fields, which of them are given by position, which may be given at all, and what the others are."""
    fields = dataclasses.fields(of)
    return (
        [one.name for one in fields],
        [one.name for one in fields if one.init and not one.kw_only],
        {one.name for one in fields if one.init},
        {one.name: one.default for one in fields if one.default is not dataclasses.MISSING},
        [(one.name, one.default_factory) for one in fields if one.default_factory is not dataclasses.MISSING],
    )


def _compiled_init(of: Any) -> Any:
    """The standard one: that of a class with the same fields."""
    alike = [(one.name, object, _again(one)) for one in dataclasses.fields(of)]
    return vars(dataclasses.make_dataclass(of.__name__, alike, repr=False, eq=False))["__init__"]


def _again(one: dataclasses.Field[Any]) -> Any:
    how: dict[str, Any] = {"init": one.init, "kw_only": one.kw_only}
    if one.default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=one.default_factory, **how)
    return dataclasses.field(default=one.default, **how)


def _repr(self: Any) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self))
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _equal(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    values = _compared(self.__class__)
    return values(self) == values(other)


def _hash(self: Any) -> int:
    return hash(_hashed(self.__class__)(self))


@cache
def _compared(of: type[Any]) -> Callable[[Any], Any]:
    return _values([one.name for one in dataclasses.fields(of) if one.compare])


@cache
def _hashed(of: type[Any]) -> Callable[[Any], Any]:
    return _values([one.name for one in dataclasses.fields(of) if (one.compare if one.hash is None else one.hash)])


def _values(names: list[str]) -> Callable[[Any], Any]:
    return attrgetter(*names) if names else lambda _: ()
