"""`compare`: the same address asked by ICMP (raw and datagram), TCP and UDP, with what each puts on the wire."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.far_end import far_end
from loopdiag.diagnose.gather import gather, open_question
from loopdiag.diagnose.marks import mark_of
from loopdiag.diagnose.needs import topics_for
from loopdiag.diagnose.oneprobe import check_network
from loopdiag.diagnose.session import Session
from loopdiag.model.comparison import Lane, WirePacket
from loopdiag.model.unknown import Unknown
from loopdiag.probes.capture import captured, time_between
from loopdiag.probes.echo_once import echo_once
from loopdiag.probes.headers import decode
from loopdiag.probes.ownframes import own_frames
from loopdiag.probes.scratch import Scratch
from loopdiag.probes.tcp import connect_tcp
from loopdiag.probes.udp import exchange_udp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.address import Address
    from loopdiag.model.case import Case
    from loopdiag.model.observation import Observation
    from loopdiag.model.report import Report
    from loopdiag.model.target import Target
    from loopdiag.probes.capture import Captured, Frame

TIMEOUT = 0.3  # seconds for each way
_OF_A_NAME = ("answers", "names", "interfaces")
_MOST_PACKETS = 20  # of one exchange


def compare(target: Target, *, family: int | None = None, timeout: float | None = None) -> Report:
    """The report of one exchange of each kind with the target's first address.

    Where the target names no port, a listener and an echo of our own answer TCP and UDP; they close with the end of
    the comparison. Raises UsageError for a UNIX socket, and for an address that cannot be meant.
    """
    check_network(target, "compare")
    session = Session("compare")
    question = open_question(target, family)
    addresses = question.resolution.addresses if question.resolution else ()
    if not addresses:
        return session.judged(target, (), gather(question, _OF_A_NAME), _summary)
    seen: list[tuple[str, Observation]] = []
    taken = captured(lambda: seen.extend(_ask(addresses[0], target.port, timeout or TIMEOUT)))
    lanes = [_lane(name, one, taken) for name, one in seen]
    judged = [one for name, one in seen if _asked_for(name, one, target)]
    question = replace(question, observations=tuple(judged))
    facts = gather(question, ("counters", *topics_for(judged)))
    report = session.judged(target, judged, facts, _summary, {"comparison": lanes})
    gap = taken if isinstance(taken, Unknown) else taken.gap
    return replace(report, unknown=(*report.unknown, gap)) if gap else report


def _ask(address: Address, port: int | None, timeout: float) -> list[tuple[str, Observation]]:
    where = str(address)
    seen: list[tuple[str, Observation]] = [
        ("ICMP raw", echo_once(where, timeout, ("raw",))),
        ("ICMP datagram", echo_once(where, timeout, ("datagram",))),
    ]
    with Scratch(where) as scratch:
        tcp, udp = (port, port) if port is not None else (scratch.tcp, scratch.udp)
        if tcp:
            seen.append(("TCP", connect_tcp(where, tcp, timeout, far_end=far_end)))
        if udp:
            seen.append(("UDP", exchange_udp(where, udp, timeout)))
    return seen


def _asked_for(name: str, seen: Observation, target: Target) -> bool:
    """A socket that may not be opened, or a transport that nobody asked for, says nothing about the target.

    That there are no sockets of an IP version at all (EAFNOSUPPORT) does.
    """
    if name.startswith("ICMP"):
        return getattr(seen, "failed_call", None) != "socket" or seen.errno not in ("EPERM", "EACCES")
    return target.port is None or target.transport == name.lower()


def _lane(name: str, seen: Observation, taken: Captured | Unknown) -> Lane:
    frames = taken if isinstance(taken, Unknown) else _exchange(seen, taken.frames)
    return Lane(
        name=name,
        socket=_socket(name, ":" in seen.address),
        privilege={"ICMP raw": "CAP_NET_RAW", "ICMP datagram": "ping_group_range"}.get(name, "none"),
        seen=seen,
        seconds=seen.seconds if seen.outcome.good else None,
        kernel_seconds=frames if isinstance(frames, Unknown) else time_between(frames),
        packets=frames if isinstance(frames, Unknown) else tuple(_packet(frame, frames[0].at) for frame in frames),
    )


def _socket(name: str, v6: bool) -> tuple[str, str, str]:
    icmp = "IPPROTO_ICMPV6" if v6 else "IPPROTO_ICMP"
    kind, protocol = {
        "ICMP raw": ("SOCK_RAW", icmp), "ICMP datagram": ("SOCK_DGRAM", icmp), "TCP": ("SOCK_STREAM", "IPPROTO_TCP")
    }.get(name, ("SOCK_DGRAM", "IPPROTO_UDP"))  # fmt: skip
    return "AF_INET6" if v6 else "AF_INET", kind, protocol


def _exchange(seen: Observation, frames: Sequence[Frame]) -> Sequence[Frame]:
    mark = mark_of(seen)
    return own_frames(frames, (mark,) if mark else ())[:_MOST_PACKETS]


def _packet(frame: Frame, began: int) -> WirePacket:
    headers, payload = decode(frame.data)
    return WirePacket(at=(frame.at - began) / 1e9, device=frame.device, length=len(frame.data), headers=headers,
                      payload=payload)  # fmt: skip


def _summary(case: Case) -> str:
    if not case.observations:
        return f"{case.target.host} has no address, so there was nothing to compare"
    answered = len(case.worked)
    return f"{case.observations[0].address}: {answered} of {len(case.observations)} ways to ask were answered"
