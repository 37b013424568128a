"""How sockets and their owners are named in sentences and evidence."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from loopdiag.explain.listeners.condition import owners
from loopdiag.model.address import Address, endpoint
from loopdiag.model.finding import Evidence, Fix
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.process import Process
    from loopdiag.model.socket import Socket, UnixSocket
    from loopdiag.model.space import Space

MOST = 4  # sockets shown as evidence


def who(one: Socket | UnixSocket) -> str:
    """`node (pid 42)`, with its container or unit where that says more; what is known of an owner that is hidden."""
    held = owners(one)
    if held:
        unit = f" in {held[0].unit}" if held[0].unit and held[0].unit.startswith("container ") else ""
        return f"{named(held)}{unit}"
    uid = getattr(one, "uid", None)
    if isinstance(one.owners, Unknown) and uid is not None:
        return f"a process of uid {uid}"
    return "a process that is not visible here"


def named(held: Sequence[Process]) -> str:
    """`node (pid 42)`, `nginx (pid 42 and 2 more)`: one subject, whatever the number."""
    more = f" and {len(held) - 1} more" if len(held) > 1 else ""
    return f"{held[0].name} (pid {held[0].pid}{more})"


def where(one: Socket) -> str:
    """`127.0.0.1:80`, with what narrows it: its device, IPV6_V6ONLY."""
    only = " (IPv6 only)" if one.address == "::" and one.families == ("ipv6",) else ""
    device = f" on device {one.device}" if one.device else ""
    return f"{one.local}{device}{only}"


def listed(parts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`; each once."""
    each = list(dict.fromkeys(parts))
    if len(each) < 2:
        return "".join(each)
    return f"{', '.join(each[:-1])} and {each[-1]}"


def holders_of(sockets: Sequence[Socket]) -> str:
    """`node (pid 1) listens on 127.0.0.1:80`, and so on for each owner."""
    by_owner: dict[str, list[str]] = {}
    for one in sockets:
        by_owner.setdefault(who(one), []).append(where(one))
    return listed(f"{owner} {verb(sockets[0])} {listed(ends)}" for owner, ends in by_owner.items())


def verb(one: Socket) -> str:
    """What a socket does at its address."""
    return "listens on" if one.protocol == "tcp" else "receives on"


def shown(sockets: Iterable[Socket]) -> tuple[Evidence, ...]:
    """Listeners as evidence: state, owner, accept queue."""
    return tuple(Evidence(f"{one.protocol} socket {where(one)}", says(one)) for one in list(sockets)[:MOST])


def says(one: Socket) -> str:
    """`LISTEN, node (pid 42)`, and its accept queue where it holds something."""
    queue = f", {queue_of(one)}" if one.state == "LISTEN" and one.queue else ""
    return f"{one.state}, {who(one)}{queue}"


def queue_of(one: Socket) -> str:
    """The accept queue in words."""
    limit = "" if one.queue_limit is None else f" (limit {one.queue_limit})"
    waits = "connection waits" if one.queue == 1 else "connections wait"
    return f"{one.queue} {waits} in its accept queue{limit}"


def process_says(process: Process) -> Evidence:
    """What a process is doing, as evidence."""
    words = [f"state {process.state}"] if process.state else []
    if process.waits_in:
        words.append(f"sleeps in {process.waits_in}")
    if process.descriptors is not None and process.descriptor_limit is not None:
        words.append(f"{process.descriptors} of {process.descriptor_limit} file descriptors open")
    return Evidence(f"process {process.pid}", ", ".join(words) or "its state cannot be read")


def way_in(one: Socket | Space) -> str:
    """`--netns web`, `--pid 42`: what makes loopdiag ask where the socket is. Its owner may have left: setns(2)."""
    if isinstance(one.way_in, int):
        return f"--pid {one.way_in}"
    return f"--netns {shlex.quote(one.way_in or 'NAMESPACE')}"


def end_of(one: Socket) -> str:
    """The endpoint that a client inside the namespace asks; a link-local address with its zone."""
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    address = loopback.get(one.address, one.address)
    linked = one.device and ":" in address and Address(address).ip.is_link_local
    return endpoint(f"{address}%{one.device}" if linked else address, one.port)


def try_instead(case: Case, end: str) -> Fix:
    """The command that asks `end` (`127.0.0.1:80`) as the target was asked for."""
    target = case.target
    if target.scheme in ("http", "https"):
        return Fix(f"ask {end} instead", f"curl {target.scheme}://{end}{target.path or '/'}")
    option = " --udp" if target.transport == "udp" else ""
    return Fix(f"connect to {end} instead", f"loopdiag connect{option} {end}")
