"""The quick dataclass is the standard one in all that is used of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

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


@pytest.mark.parametrize("decorator", [quick, dataclasses.dataclass])
def test_the_hundredth_instance_is_filled_in_like_the_first(decorator: Callable[..., Any]) -> None:
    route = made_by(decorator, slots=True)
    many = [route(254, "lo", read=number) for number in range(100)]
    assert {(one.table, one.device, one.hops) for one in many} == {(254, "lo", ())}
    assert [one.read for one in many] == list(range(100))
    assert len({id(one.words) for one in many}) == 100


@pytest.mark.parametrize("before", [0, 100], ids=["at first", "after many"])
@pytest.mark.parametrize(
    ("args", "given", "says"),
    [
        ((), {}, "missing 1 required positional argument: 'table'"),
        ((254,), {"gateway": "lo"}, "unexpected keyword argument 'gateway'"),
        ((254,), {"table": 255}, "multiple values for argument 'table'"),
        ((254, "lo", (), 0, {}, 1), {}, "takes from 2 to 6 positional arguments but 7 were given"),
    ],
)
def test_what_does_not_fit_is_refused_in_the_standard_words(
    route: Any, before: int, args: tuple[Any, ...], given: dict[str, Any], says: str
) -> None:
    for _ in range(before):
        route(254)
    with pytest.raises(TypeError, match=says):
        route(*args, **given)
    assert route(254).table == 254


@pytest.mark.parametrize("decorator", [quick, dataclasses.dataclass])
def test_what_is_of_the_class_or_not_to_be_given_is_left_out(decorator: Callable[..., Any]) -> None:
    @decorator(kw_only=True)
    class Visit:
        shown: ClassVar = ("count",)
        page: str
        count: int = dataclasses.field(default=0, init=False)

    for _ in range(100):
        assert (Visit(page="/").page, Visit(page="/").count) == ("/", 0)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Visit(page="/", count=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Visit("/")  # type: ignore[call-arg]
