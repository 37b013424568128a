"""Which source gave an address: by the hosts file, by elimination, or by what each service alone was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.names import Source, as_ipv4
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from loopdiag.model.names import NameFacts

NUMERIC = Source("numeric")
_SPECIAL_NAMES = ("localhost", "localhost.localdomain", "_gateway", "_outbound")  # nss-myhostname(8)


def source_of(address: str, names: NameFacts) -> Source | None:
    """The source of one address of a name; None where it cannot be told which of several gave it."""
    told = names.by_service
    line = names.giving(address)
    doubtful: list[str] = []
    for service in asked(names):
        if service == "files":
            if line:
                return None if doubtful else Source("files", line.file, line.line)
        elif address in told.get(service, ()):
            return _source(service, names)
        elif service not in told:
            doubtful.append(service)
    return _source(doubtful[0], names) if len(doubtful) == 1 else None


def asked(names: NameFacts) -> list[str]:
    """The services that may answer for this name, in order, without their actions."""
    services = ("files", "dns") if isinstance(names.services, Unknown) else names.services
    return [one for one in services if not one.startswith("[") and _may_answer(one, names)]


def _may_answer(service: str, names: NameFacts) -> bool:
    """mdns and myhostname answer for some names only; any other service may for each."""
    name = names.name.lower().rstrip(".")
    if service.startswith("mdns"):
        return name.endswith(".local")
    if service == "myhostname":
        own = (names.host_name or "").lower()
        return name in (*_SPECIAL_NAMES, own) or name.endswith((".localhost", ".localhost.localdomain"))
    return True


def families_at_hand(names: NameFacts) -> tuple[int, ...]:
    """The families (4, 6) for which the hosts file alone answers: no query leaves for them."""
    four = any(as_ipv4(line.address) for line in names.lines())
    six = any(":" in line.address for line in names.lines())
    return tuple(family for family, given in ((4, four), (6, six)) if given)


def _source(service: str, names: NameFacts) -> Source:
    servers = () if isinstance(names.servers, Unknown) else names.servers
    return Source(service, server=" or ".join(servers) if service == "dns" and servers else None)
