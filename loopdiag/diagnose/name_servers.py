"""What keeps a name server of this very host from answering, where a name was not resolved for want of an answer."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from loopdiag.explain.names.said import is_localhost, is_unanswered
from loopdiag.host.read import read
from loopdiag.model.address import endpoint
from loopdiag.model.errors import LoopdiagError
from loopdiag.model.names import NameServer
from loopdiag.model.target import parse_target
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from loopdiag.model.names import NameFacts

PORT = 53
PATIENCE = 0.5  # seconds: it is on this host, and any answer will do


def own_servers(names: NameFacts) -> tuple[NameServer, ...]:
    """Those of resolv.conf that are this host's, each asked for something else; none where that explains nothing."""
    if not is_unanswered(names) or is_localhost(names) or isinstance(names.servers, Unknown):
        return ()
    asked = (_asked(server) for server in dict.fromkeys(names.servers) if _is_own(server))
    return tuple(one for one in asked if one)


def _is_own(server: str) -> bool:
    try:
        address = ip_address(server)
    except ValueError:
        return False  # the file may say anything
    if address.is_loopback:
        return True
    interfaces = read("interfaces")
    return not isinstance(interfaces, Unknown) and any(
        one.address == server for each in interfaces for one in each.addresses
    )


def _asked(server: str) -> NameServer | None:
    from loopdiag.diagnose.why import why  # which asks us in turn, though never of a number

    try:
        report = why(parse_target(f"udp://{endpoint(server, PORT)}"), timeout=PATIENCE)
    except LoopdiagError:
        return None
    return NameServer(server, report.verdict.value, report.summary, report.findings)
