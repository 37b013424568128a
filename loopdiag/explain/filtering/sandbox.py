"""`sandbox-denies`: seccomp, Landlock or a security module refuses the call to this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.explain.icmp.permission import raw_is_permitted
from loopdiag.explain.own import is_loopback
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.limits import Sandbox
    from loopdiag.model.observation import Observation

# What a seccomp filter may return instead of running a call; others are the kernel's own for what was asked
REFUSALS = ("EPERM", "EACCES", "EAFNOSUPPORT", "ENOSYS", "EPROTONOSUPPORT", "EOPNOTSUPP")
CALLS = {"tcp-connect": "connect", "bind": "bind", "unix-connect": "socket() or connect"}
# What only comes back over the network, and so not before a SYN was sent: tcp(7)
_ANSWERS = ("ECONNREFUSED", "ETIMEDOUT", "ECONNRESET")
_KINDS = 2  # of sockets of one family that are tried: SOCK_STREAM and SOCK_DGRAM
_NO_WAY = ("ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EADDRNOTAVAIL")


def sandbox_denies(case: Case) -> Iterator[Finding]:
    """An errno that the network does not explain, in a process that is confined."""
    sandbox = known(case.facts.sandbox)
    if sandbox is None:
        return
    for one in case.failed:
        found = (
            _by_landlock(sandbox, one)
            or _by_socket(case, sandbox, one)
            or _by_icmp_socket(case, sandbox, one)
            or _by_seccomp(case, sandbox, one)
            or _made_up(case, sandbox, one)
        )
        if found:
            yield _finding(sandbox, one, *found)
            return


def _by_landlock(sandbox: Sandbox, one: Observation) -> tuple[str, Certainty] | None:
    """Landlock's rules are by port; a call that fails for another reason right behind it was tried."""
    denied = sandbox.landlock if isinstance(sandbox.landlock, str) else ""
    call = CALLS.get(one.kind, "")
    if one.errno != "EACCES" or not call or call not in denied.replace("denies ", "").split(" and "):
        return None
    return f"Landlock or another security module refuses {call}() to TCP port {one.port}", Certainty.PROVEN


def _by_socket(case: Case, sandbox: Sandbox, one: Observation) -> tuple[str, Certainty] | None:
    """socket() itself is refused for this address family, though the kernel has it."""
    family = "AF_INET6" if ":" in one.address else "AF_INET,"
    type_ = "SOCK_STREAM" if one.kind in ("tcp-connect", "bind") else "SOCK_DGRAM"
    refused = [(call, code) for call, code in sandbox.refused if family in call and type_ in call]
    if not refused or refused[0][1] != one.errno or one.kind == "icmp-echo":
        return None
    if any(program.attach_type == "sock_create" for program in known(case.facts.cgroup_programs) or ()):
        return None
    sure = known(sandbox.seccomp) == "filter"
    what = "a seccomp filter" if sure else "something that confines this process"
    return f"{what} refuses {refused[0][0]} with {refused[0][1]}", Certainty.PROVEN if sure else Certainty.LIKELY


def _by_icmp_socket(case: Case, sandbox: Sandbox, one: Observation) -> tuple[str, Certainty] | None:
    """No socket of the family may be opened, or no raw one though the right to it is there."""
    tries = dict(getattr(one, "refused_sockets", ()))
    if getattr(one, "failed_call", None) != "socket" or not set(tries.values()) & set(REFUSALS):
        return None
    if any(program.attach_type == "sock_create" for program in known(case.facts.cgroup_programs) or ()):
        return None
    sure = known(sandbox.seccomp) == "filter"
    certainty = Certainty.PROVEN if sure else Certainty.LIKELY
    what = "a seccomp filter" if sure else "something that confines this process"
    family = "AF_INET6" if ":" in one.address else "AF_INET"
    kinds = [code for call, code in sandbox.refused if call.startswith(f"socket({family},")]
    if len(kinds) == _KINDS and set(kinds) <= set(tries.values()):
        return f"{what} refuses every socket of {family} with {kinds[0]}", certainty
    if tries.get("raw") in REFUSALS and raw_is_permitted(case.facts):
        return f"{what} refuses raw ICMP sockets with {tries['raw']}, which CAP_NET_RAW permits", Certainty.LIKELY
    return None


def _by_seccomp(case: Case, sandbox: Sandbox, one: Observation) -> tuple[str, Certainty] | None:
    """A refusal that neither routes, privileges, rules of the filter nor BPF on the cgroup give."""
    if known(sandbox.seccomp) not in ("filter", "strict") or one.errno not in REFUSALS:
        return None
    if _otherwise_explained(case, one):
        return None
    call = getattr(one, "failed_call", None) or CALLS.get(one.kind, "send")
    certain = case.facts.cgroup_programs == () and (one.kind in CALLS or case.facts.filter_paths is not None)
    return (
        f"a seccomp filter refuses {call}() to this process with {one.errno}",
        Certainty.PROVEN if certain else Certainty.LIKELY,
    )


def _made_up(case: Case, sandbox: Sandbox, one: Observation) -> tuple[str, Certainty] | None:
    """An errno as the network gives it, though the call never came to the network: a filter may return any."""
    if one.kind != "tcp-connect" or known(sandbox.seccomp) != "filter" or one.outcome.good:
        return None
    counters, route = known(case.facts.counters), known(case.facts.route)
    sent = counters is None or counters.protocol.get("Tcp.ActiveOpens", 0) > 0
    if one.errno in _ANSWERS and not sent:
        said = f"a seccomp filter gives connect() the errno {one.errno}: the kernel counted no SYN as sent"
        return said, Certainty.PROVEN
    lo = next((each for each in known(case.facts.interfaces) or () if each.loopback), None)
    clear = route is not None and route.type == "local" and not route.errno and lo is not None and lo.up
    if one.errno in _NO_WAY and clear and is_loopback(one.address) and not sent:
        said = f"a seccomp filter probably gives connect() the errno {one.errno}: the route there is in order"
        return said, Certainty.LIKELY
    return None


def _otherwise_explained(case: Case, one: Observation) -> bool:
    if one.kind == "icmp-echo" and getattr(one, "refused_sockets", None):
        return True  # icmp-not-permitted speaks of raw and datagram ICMP sockets
    paths = [path for path in case.facts.filter_paths or () if path.of == one.label]
    if any(path.verdict in ("drop", "reject") for path in paths):
        return True
    if any(known(case.facts.cgroup_programs) or ()):
        return True
    if one.kind == "bind":
        return one.errno == "EACCES" and one.port is not None and 0 < one.port < 1024
    route = known(case.facts.route)
    return one.errno == "EACCES" and (route is None or route.errno is not None) and not is_loopback(one.address)


def _finding(sandbox: Sandbox, one: Observation, what: str, certainty: Certainty) -> Finding:
    status = [f"Seccomp: {known(sandbox.seccomp) or 'unknown'}", f"NoNewPrivs: {known(sandbox.no_new_privileges)}"]
    label = (Evidence("/proc/self/attr/current", sandbox.lsm),) if sandbox.lsm else ()
    return Finding(
        cause="sandbox-denies",
        certainty=certainty,
        subject=one.to,
        statement=f"{what}, so this process cannot use {one.to}; other processes may",
        evidence=(
            seen(one),
            Evidence("/proc/self/status", ", ".join(status)),
            *(Evidence(call, code) for call, code in sandbox.refused),
            *label,
        ),
        fixes=(
            Fix("allow it where the process is confined (systemd: RestrictAddressFamilies=, SystemCallFilter=; "
                "containers: the seccomp profile)"),
            Fix("or ask from outside the sandbox"),
        ),
    )  # fmt: skip
