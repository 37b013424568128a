"""`icmp-not-permitted`: this process may open no ICMP socket of either type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.model.echo import IcmpEcho
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.facts import Facts
    from loopdiag.model.limits import Sandbox

_RANGE = "net.ipv4.ping_group_range"  # counts for IPv6 as well: icmp(7)
_DENIED = frozenset({"EPERM", "EACCES"})


def not_permitted(case: Case) -> Iterator[Finding]:
    """Neither a raw nor a datagram ICMP socket may be opened by this process."""
    for one in case.observations:
        if isinstance(one, IcmpEcho) and one.failed_call == "socket":
            tries = dict(one.refused_sockets)
            denied = tries.get("raw") in _DENIED and tries.get("datagram") in (*_DENIED, "EPROTONOSUPPORT")
            if denied and not raw_is_permitted(case.facts):
                yield _refused(one, tries, case.facts)
                return


def raw_is_permitted(facts: Facts) -> bool:
    """By its capability: where a raw socket is refused all the same, it is something else that refuses it."""
    sandbox = known(facts.sandbox)
    return sandbox is not None and _has_right(sandbox) and sandbox.user_namespace_owns_network is True


def _has_right(sandbox: Sandbox | None) -> bool:
    return "CAP_NET_RAW" in ((known(sandbox.capabilities) if sandbox else None) or ())


def _refused(one: IcmpEcho, tries: dict[str, str], facts: Facts) -> Finding:
    text = known((facts.sysctls or {}).get(_RANGE))
    left_out = text is not None and _leaves_out(text, one.groups)
    sandbox = known(facts.sandbox)
    held = known(sandbox.capabilities) if sandbox else None
    has_right = _has_right(sandbox)
    foreign = sandbox is not None and sandbox.user_namespace_owns_network is False
    proven = left_out and tries["datagram"] == "EACCES" and (foreign or not has_right)
    lacks = "which was not granted"
    if has_right and foreign:
        lacks = "which this process has only in a user namespace of its own"
    elif held is not None and not has_right:
        lacks = "which this process does not have"
    groups = ", ".join(map(str, one.groups[:6]))
    whose = f"this process's groups ({groups})" if groups else "this process"
    range_says = f"{_RANGE} ({_shown(text)}) leaves out {whose}"
    return Finding(
        cause="icmp-not-permitted",
        certainty=Certainty.PROVEN if proven else Certainty.LIKELY,
        subject=one.to,
        statement=f"this process may open no ICMP socket: a raw one takes CAP_NET_RAW, {lacks}, and "
        + (f"for a datagram one {range_says}" if left_out else f"a datagram one was refused ({tries['datagram']})"),
        evidence=(
            *(Evidence(f"socket() {kind} ICMP", errno) for kind, errno in one.refused_sockets),
            *((Evidence(f"sysctl {_RANGE}", _shown(text)),) if text is not None else ()),
            *((Evidence("capabilities", f"CAP_NET_RAW: {lacks}"),) if held is not None and not has_right else ()),
            *((Evidence("groups of this process", groups),) if groups else ()),
        ),
        fixes=(
            Fix("let every group open datagram ICMP sockets", f'sysctl -w {_RANGE}="0 2147483647"'),
            Fix("or ask as root, or with CAP_NET_RAW"),
            Fix("or ask a TCP port instead, which takes no privilege", f"loopdiag why {_host(one)}:PORT"),
        ),
    )


def _host(one: IcmpEcho) -> str:
    return f"[{one.address}]" if ":" in one.address else one.address


def _shown(text: str | None) -> str:
    low, high = (text or "").split() if text and len(text.split()) == 2 else ("?", "?")
    empty = low.isdecimal() and high.isdecimal() and int(low) > int(high)
    return f"{low} to {high}" + (", no group at all" if empty else "")


def _leaves_out(text: str, groups: tuple[int, ...]) -> bool:
    """Whether none of the groups is in the range; without any known, whether it is in nobody's."""
    parts = text.split()
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        return False
    low, high = int(parts[0]), int(parts[1])
    return low > high or (bool(groups) and not any(low <= group <= high for group in groups))
