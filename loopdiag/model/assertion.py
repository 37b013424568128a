"""What `check` asserts, and what came of it."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopdiag.model.observation import Observation
    from loopdiag.model.target import Target

FAILURES = ("refused", "timed-out", "unreachable", "denied", "reset", "failed")
Value = str | int | float | tuple[str, ...] | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of assertion: what `expect` may be (any of `words`, else by its type), and what where it is left out.

    `keys` are those of this kind alone, each with the type of its value or the words that it may be.
    """

    default: Value | None
    words: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    keys: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


# The types: text, target, count (a whole number from 0), status, duration, texts, statuses.
COMMON: Mapping[str, str] = {"name": "text", "target": "target", "timeout": "duration", "retries": "count"}
KINDS: Mapping[str, Kind] = {
    "tcp": Kind("connected", ("connected", *FAILURES)),
    "udp": Kind("replied", ("replied", *FAILURES)),
    "http": Kind(None, FAILURES, ("status", "statuses")),
    "tls": Kind("accepted", ("accepted", *FAILURES)),
    "ping": Kind("replied", ("replied", *FAILURES)),
    "resolve": Kind(None, (), ("texts",)),
    "bind": Kind("bound", ("bound", "failed", "denied"), (), {"protocol": ("tcp", "udp")}),
    "listener": Kind(
        "listening", ("listening", "absent"), (),
        {"reach": ("host", "network", "none"), "protocol": ("tcp", "udp"), "process": "text"},
    ),
    "route": Kind(
        "local", ("local", "unicast", "broadcast", "multicast", "unreachable", "blackhole", "prohibit", "missing"), (),
        {"device": "text", "source": "text"},
    ),
    "interface": Kind("up", ("up", "down", "absent"), (), {"addresses": "texts", "mtu": "count"}),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One table of the file. `target` is as typed and `where` what it means (None for an interface's name).

    `timeout` is in seconds, None for the kind's own; `retries` are further tries while it does not hold.
    """

    kind: str
    name: str
    target: str
    where: Target | None
    expect: Value | None
    timeout: float | None = None
    retries: int = 0
    line: int = 0
    also: Mapping[str, Value] = field(default_factory=dict)  # by the kind's own keys


@dataclass(frozen=True, slots=True)
class Got:
    """What one try saw, in words (for `resolve`: the addresses), and whether that is as asserted; None: not known."""

    ok: bool | None
    says: str | tuple[str, ...]
    seen: Observation | None = None
    because: str | None = None  # why it is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the result. `seconds` is how long it took; `cause` is the root cause's name where one was found."""

    name: str
    kind: str
    target: str
    expect: str | tuple[str, ...]
    got: str | tuple[str, ...]
    ok: bool | None
    seconds: float
    cause: str | None = None
