"""What the name rules share: the facts about the name asked for, and how they are worded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.model.finding import Evidence, Severity
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from loopdiag.model.case import Case
    from loopdiag.model.names import HostsLine, NameFacts

TRUE_LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
TIMED_OUT = "timed-out"
NOT_NOW = ("EAI_AGAIN", "EAI_FAIL", TIMED_OUT)  # what a name server that is dead or broken leads to
NSSWITCH = "/etc/nsswitch.conf"
_FAMILIES = {"ipv4": "IPv4", "ipv6": "IPv6"}


def asked(case: Case) -> NameFacts | None:
    """The facts about the name that the target is; None where it is a number, or nothing was read."""
    names = known(case.facts.names)
    return names if names and case.target.host and not case.target.address else None


def unresolved(case: Case) -> NameFacts | None:
    """The same, where getaddrinfo gave no address."""
    names = asked(case)
    return names if names and names.errno else None


def is_unanswered(names: NameFacts) -> bool:
    """No name server gave an answer that could be used, and none of the other sources has the name."""
    return names.errno in NOT_NOW and "dns" in order(names).split() and names.hosts == ()


def addresses(case: Case) -> tuple[str, ...]:
    """What the name resolved to, in getaddrinfo's order."""
    return tuple(answer.address for answer in known(case.facts.answers) or ())


def is_localhost(names: NameFacts) -> bool:
    """`localhost` itself, in any case."""
    return names.name.lower() == "localhost"


def severity(case: Case, *missed: str) -> Severity:
    """An error where the name is all that was asked, or where a server at the addresses missed would have answered."""
    if not case.observations or (case.failed and would_serve(case, *missed)):
        return Severity.ERROR
    return Severity.WARNING


def would_serve(case: Case, *wanted: str) -> bool:
    """A server would be met at one of these addresses; True where that was not read, or no server is needed."""
    listeners = known(case.facts.listeners)
    if case.target.transport == "icmp" or listeners is None:
        return True
    wildcards = {"::" if ":" in one else "0.0.0.0" for one in wanted}
    return any(one.address in wildcards.union(wanted) or one.address == "::" for one in listeners)


def add_line(name: str) -> str:
    """The command that gives the name a line of the hosts file."""
    from shlex import quote

    return f"echo {quote(f'127.0.0.1 {name}')} >> /etc/hosts"


def fits(address: str, names: NameFacts) -> bool:
    """The address is of a family that was asked for; a `::1` line answers for IPv4 too."""
    return names.family is None or names.family == "ipv4" or ":" in address


def of_family(names: NameFacts) -> str:
    """`IPv4 `, `IPv6 ` where that alone was asked for, or nothing."""
    return f"{_FAMILIES[names.family]} " if names.family else ""


def order(names: NameFacts) -> str:
    """The services in their order: `files dns`."""
    if isinstance(names.services, Unknown):
        return "the C library's default"
    return " ".join(names.services) or "no service at all"


def order_evidence(names: NameFacts) -> Evidence:
    """Which services are asked, and where that stands."""
    if names.services_line:
        return Evidence(f"{NSSWITCH} line {names.services_line}", f"hosts: {order(names)}")
    return Evidence(NSSWITCH, f"no hosts line that counts, so the C library's default: {order(names)}")


def lookup(names: NameFacts) -> Evidence:
    """The question and its end."""
    took = "" if names.seconds is None else f" after {names.seconds * 1000:.3f} ms"
    return Evidence(f"getaddrinfo {names.name}", f"{names.errno or 'addresses'}{took}")


def line_evidence(line: HostsLine) -> Evidence:
    """A line of the hosts file, and why it does not count where it does not."""
    return Evidence(f"{line.file} line {line.line}", f"'{line.text}'" + (f": {line.fault}" if line.fault else ""))


def servers(names: NameFacts) -> str:
    """The name servers as words."""
    if isinstance(names.servers, Unknown):
        return "the name server"
    listed = " and ".join(names.servers)
    return f"name server {listed}" + ("" if names.servers_named else " (the default: /etc/resolv.conf names none)")
