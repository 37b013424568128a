"""A loopdiag.toml made of the present state of the host: only what holds now goes in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from loopdiag.diagnose.check import check
from loopdiag.diagnose.checking.state import State
from loopdiag.host.read import read
from loopdiag.model.address import endpoint
from loopdiag.model.assertion import Assertion
from loopdiag.model.target import parse_host, parse_target
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.socket import Socket

_HEAD = """\
# What must be so on this host, as `loopdiag check` asserts it. Written from the state that it was in.
# A listener with reach = "host" that others can reach one day fails the check.
"""
_MOST = 500  # listeners
_EPHEMERAL = 32768  # where the range of ports for clients begins if it cannot be read: ip(7)


def init(family: int | None = None) -> str:
    """The text of the file; the checks of it pass on the host as it is now."""
    wanted = list(_candidates(State(family), family))
    held = check(wanted, family=family, causes=False).extra["checks"]
    kept = [one for one, result in zip(wanted, held, strict=True) if result.ok]
    return "\n".join([_HEAD, *map(_table, kept)])


def _candidates(state: State, family: int | None) -> Iterator[Assertion]:
    lo = state.interfaces()
    for one in () if isinstance(lo, Unknown) else lo:
        if one.loopback:
            yield Assertion(kind="interface", name=f"{one.name} is up", target=one.name, where=None, expect="up",
                            also={"addresses": tuple(each.address for each in one.addresses)})  # fmt: skip
    for address in ("127.0.0.1", "::1"):
        yield Assertion(kind="ping", name=f"{address} answers", target=address, where=parse_host(address),
                        expect="replied")  # fmt: skip
    found = state.addresses("localhost").addresses
    if found and family is None:
        yield Assertion(kind="resolve", name="localhost is what it was", target="localhost",
                        where=parse_host("localhost"), expect=tuple(map(str, found)))  # fmt: skip
    yield from _listeners(state)


def _listeners(state: State) -> Iterator[Assertion]:
    """Each address and port once; UDP sockets on the ports that clients are given belong to clients."""
    every = state.listeners()
    seen: dict[str, Socket] = {}
    for one in () if isinstance(every, Unknown) else every:
        if one.reach in ("host", "network") and (one.protocol == "tcp" or one.port < _first_client_port()):
            seen.setdefault(f"{one.protocol} {one.local}", one)
    for name, one in sorted(seen.items(), key=lambda item: (item[1].protocol, item[1].port, item[1].address))[:_MOST]:
        where = endpoint(one.address, one.port)
        yield Assertion(
            kind="listener", name=_named(name, one, state), target=where, where=parse_target(where),
            expect="listening", also={"protocol": one.protocol, "reach": one.reach or ""},
        )  # fmt: skip


def _named(name: str, one: Socket, state: State) -> str:
    holders = state.names_of(one)
    return name if isinstance(holders, Unknown) else f"{name} ({', '.join(sorted(set(holders)))})"


def _first_client_port() -> int:
    value = read("sysctls", ("net.ipv4.ip_local_port_range",)).get("net.ipv4.ip_local_port_range")
    first = value.split()[0] if isinstance(value, str) and value.split() else ""
    return int(first) if first.isdecimal() else _EPHEMERAL


def _table(one: Assertion) -> str:
    pairs = {"name": one.name, "target": one.target, "expect": one.expect, **one.also}
    return "\n".join([f"[[{one.kind}]]", *(f"{key} = {_value(value)}" for key, value in pairs.items()), ""])


def _value(value: object) -> str:
    """A TOML basic string escapes as JSON does, and DEL too; half a character cannot be written."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
