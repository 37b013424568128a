"""`cgroup-denies`: a BPF program on a cgroup of the process refuses its bind, connect, sendmsg or packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.explain.filtering.attempts import Attempt, failed
from loopdiag.explain.filtering.limits import is_limit
from loopdiag.explain.icmp.permission import raw_is_permitted
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix
from loopdiag.model.observation import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.limits import CgroupProgram
    from loopdiag.model.observation import Observation

REASONS = {"BPF_CGROUP_EGRESS": "inet_egress", "SOCKET_FILTER": "inet_ingress"}


def cgroup_denies(case: Case) -> Iterator[Finding]:
    """A program that is there, for the very call or direction that failed, where no rule of the filter explains it."""
    programs = known(case.facts.cgroup_programs) or ()
    if not programs:
        return
    refused = [(one, found) for one in case.failed if (found := _refuses(case, programs, one))]
    if refused:
        one, found = refused[0]
        yield _finding(case, one, found, _certainty(case))
        return
    for attempt in failed(case):
        told = _swallowed(case, programs, attempt) if attempt.silent else None
        if told:
            yield _finding(case, attempt.failures[0], *told)
            return


def _refuses(case: Case, programs: tuple[CgroupProgram, ...], one: Observation) -> CgroupProgram | None:
    """The program that can give this errno to this call; packets that may not leave give EPERM to UDP and ICMP."""
    if one.outcome is not Outcome.DENIED:
        return None
    version = "6" if ":" in one.address else "4"
    wanted = {
        "tcp-connect": [f"inet{version}_connect"],
        "udp": [f"inet{version}_connect", f"udp{version}_sendmsg", "inet_egress"],
        "icmp-echo": [f"inet{version}_connect", f"udp{version}_sendmsg", "inet_egress"],
        "bind": [f"inet{version}_bind", f"inet{version}_post_bind"],
    }.get(one.kind, [])
    call = getattr(one, "failed_call", None)
    if call == "connect":
        wanted = [name for name in wanted if name.endswith("connect")]
    raw = dict(getattr(one, "refused_sockets", ())).get("raw")
    if call in (None, "socket") and (one.errno == "EPERM" or (raw == "EPERM" and raw_is_permitted(case.facts))):
        wanted.append("sock_create")
    if _dropped_by_rule(case, one):
        return None
    ours = [program for program in programs if program.process is None]
    return next((program for name in wanted for program in ours if program.attach_type == name), None)


def _dropped_by_rule(case: Case, one: Observation) -> bool:
    paths = [path for path in case.facts.filter_paths or () if path.of == one.label]
    return any(path.verdict in ("drop", "reject") for path in paths)


def _certainty(case: Case) -> Certainty:
    """Nothing else refuses with EPERM where no seccomp filter is there and the filter's rules let it pass."""
    sandbox = known(case.facts.sandbox)
    filtered = sandbox is None or known(sandbox.seccomp) != "disabled" or sandbox.landlock
    return Certainty.LIKELY if filtered or case.facts.filter_paths is None else Certainty.PROVEN


def _swallowed(
    case: Case, programs: tuple[CgroupProgram, ...], attempt: Attempt
) -> tuple[CgroupProgram, Certainty] | None:
    """Packets dropped on their way out of our cgroup, or into that of the server: TCP is silent then."""
    if any(path.verdict != "accept" or any(map(is_limit, path.steps)) for path in attempt.paths):
        return None
    reasons = {drop.reason for drop in known(case.facts.drops) or ()}
    for reason, attach_type in REASONS.items():
        found = next((one for one in programs if one.attach_type == attach_type), None)
        if found and reason in reasons:
            return found, Certainty.PROVEN
    silent = [one for one in programs if one.attach_type in REASONS.values()]
    return (silent[0], Certainty.LIKELY) if silent and not reasons - {None} else None


def _finding(case: Case, one: Observation, program: CgroupProgram, certainty: Certainty) -> Finding:
    whose = f"of {program.process}" if program.process else "of this process"
    name = f" '{program.name}'" if program.name else ""
    verb = {"inet_ingress": "drops what arrives from", "inet_egress": "drops what is sent to"}.get(
        program.attach_type, "refuses"
    )
    probably = "" if certainty is Certainty.PROVEN else "probably "
    return Finding(
        cause="cgroup-denies",
        certainty=certainty,
        subject=one.to,
        statement=f"the BPF program{name} (id {program.id}, {program.attach_type}) on the cgroup {program.cgroup} "
        f"{whose} {probably}{verb} {one.to}",
        evidence=(
            seen(one),
            Evidence(f"BPF_PROG_QUERY of {program.cgroup}", f"{program.attach_type}: program {program.id}{name}"),
            *_recorded(case),
        ),
        fixes=(
            Fix("see what set it up (systemd: IPAddressDeny=, SocketBindDeny=, RestrictNetworkInterfaces=)",
                f"bpftool prog show id {program.id}"),
            Fix("or ask from a process outside that cgroup"),
        ),
    )  # fmt: skip


def _recorded(case: Case) -> tuple[Evidence, ...]:
    drop = next((one for one in known(case.facts.drops) or () if one.reason in REASONS), None)
    return (Evidence("skb:kfree_skb", f"{drop.reason} in {drop.place}"),) if drop else ()
