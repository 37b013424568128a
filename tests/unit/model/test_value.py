"""The quick dataclass is the standard one in all that is used of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopdiag.model.value import dataclass as quick

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = Path(__file__).resolve().parents[3] / "loopdiag"


def made_by(decorator: Callable[..., Any], **how: bool) -> Any:
    @decorator(**how)
    class Route:
        """A route."""

        table: int
        device: str | None = None
        hops: tuple[str, ...] = dataclasses.field(default=(), metadata={"json": False})
        read: int = dataclasses.field(default=0, compare=False)
        words: dict[str, str] = dataclasses.field(default_factory=dict, hash=False)

    return Route


@pytest.fixture(params=[quick, dataclasses.dataclass], ids=["quick", "standard"])
def route(request: pytest.FixtureRequest) -> Any:
    return made_by(request.param, frozen=True, slots=True)


def test_values_are_compared_by_what_is_compared(route: Any) -> None:
    assert route(254, "lo", read=1) == route(254, "lo", read=2)
    assert route(254, "lo") != route(255, "lo")
    assert route(254) != (254, None, (), 0, {})
    assert len({route(254, words={"a": "b"}), route(254, words={"a": "b"}), route(255)}) == 2


def test_it_says_what_it_holds(route: Any) -> None:
    assert repr(route(254, "lo")).endswith("Route(table=254, device='lo', hops=(), read=0, words={})")


def test_the_standard_functions_take_it(route: Any) -> None:
    assert dataclasses.is_dataclass(route(254))
    assert [one.name for one in dataclasses.fields(route)] == ["table", "device", "hops", "read", "words"]
    assert dataclasses.fields(route)[2].metadata == {"json": False}
    assert dataclasses.replace(route(254, "lo"), table=255) == route(255, "lo")


def test_no_other_attribute_can_be_set(route: Any) -> None:
    with pytest.raises((AttributeError, TypeError)):
        route(254).gateway = "192.0.2.1"


@pytest.mark.parametrize("decorator", [quick, dataclasses.dataclass])
def test_keywords_identity_and_hash_as_asked(decorator: Callable[..., Any]) -> None:
    with pytest.raises(TypeError):
        made_by(decorator, kw_only=True)(254)
    same = made_by(decorator, eq=False)
    assert same(254) != same(254)
    assert len({same(254), same(254)}) == 2
    with pytest.raises(TypeError):
        hash(made_by(decorator)(254))
    assert hash(made_by(decorator, unsafe_hash=True)(254)) == hash(made_by(decorator, unsafe_hash=True)(254))


def test_all_of_loopdiag_uses_it() -> None:
    """Start-up is a budget, and half of it was the standard decorator's."""
    standard = [path.name for path in PACKAGE.rglob("*.py") if "from dataclasses import dataclass" in path.read_text()]
    assert standard == ["value.py"]
