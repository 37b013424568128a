"""`echo-ignored`: the requests arrive, and a setting keeps the kernel from answering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.explain.icmp.echoes import counted, echoes, locality
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix
from loopdiag.model.observation import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.echo import IcmpEcho

# IP version and what kind of destination -> the setting that keeps the kernel from answering: ip-sysctl.rst
_IGNORING = {
    (4, "local"): ("net.ipv4.icmp_echo_ignore_all",),
    (4, "group"): ("net.ipv4.icmp_echo_ignore_all", "net.ipv4.icmp_echo_ignore_broadcasts"),
    (6, "local"): ("net.ipv6.icmp.echo_ignore_all",),
    (6, "group"): ("net.ipv6.icmp.echo_ignore_all", "net.ipv6.icmp.echo_ignore_multicast"),
    (6, "anycast"): ("net.ipv6.icmp.echo_ignore_all", "net.ipv6.icmp.echo_ignore_anycast"),
}


def echo_ignored(case: Case) -> Iterator[Finding]:
    """Requests to this host that came to ICMP and got no answer, as a setting says they should."""
    for address, sent in echoes(case).items():
        silent = [one for one in sent if one.outcome is Outcome.TIMED_OUT and not one.failed_call]
        if not silent or len(silent) < len(sent):
            continue
        version = 6 if ":" in address else 4
        for name in _IGNORING.get((version, locality(address, case.facts)), ()):
            if known((case.facts.sysctls or {}).get(name)) not in (None, "0"):
                certainty = _certainty(case, version, len(silent))
                if certainty:
                    yield _ignored(case, silent, name, certainty, version)
                    break


def _certainty(case: Case, version: int, requests: int) -> Certainty | None:
    """Proven where the kernel counted all requests in and no reply out; none where no request got that far."""
    count = counted(case.facts, version)
    if count is None:
        return Certainty.LIKELY
    if count.requests_in == 0 or count.replies_out:
        return None
    return Certainty.PROVEN if count.requests_in >= requests else Certainty.LIKELY


def _ignored(case: Case, silent: list[IcmpEcho], name: str, certainty: Certainty, version: int) -> Finding:
    count = counted(case.facts, version)
    one = silent[0]
    requests = f"{len(silent)} request{'s' if len(silent) > 1 else ''} to {one.address}"
    proof = f": {requests} came in, and no reply went out" if count else f", and {requests} got no reply"
    counters = f"{count.requests_in} echo requests in, {count.replies_out} echo replies out" if count else ""
    return Finding(
        cause="echo-ignored",
        certainty=certainty,
        subject=one.to,
        statement=f"the kernel is told not to answer {_what(name)} ({name} is {_value(case, name)}){proof}",
        evidence=(
            Evidence(f"sysctl {name}", _value(case, name)),
            *((Evidence(f"ICMP{'v6' if version == 6 else ''} counters of this host", counters),) if count else ()),
            seen(one),
        ),
        fixes=(
            Fix("let the kernel answer", f"sysctl -w {name}=0"),
            Fix("or leave it so: TCP and UDP are not affected"),
        ),
    )


def _value(case: Case, name: str) -> str:
    return known((case.facts.sysctls or {}).get(name)) or ""


def _what(name: str) -> str:
    for ending, what in (("broadcasts", "echo requests to broadcast and multicast addresses"),
                         ("multicast", "echo requests to multicast addresses"),
                         ("anycast", "echo requests to anycast addresses")):  # fmt: skip
        if name.endswith(ending):
            return what
    return "echo requests"
