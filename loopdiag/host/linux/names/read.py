"""All of the resolver's files, as far as they bear on one name."""

from __future__ import annotations

import socket
from pathlib import Path

from loopdiag.host.linux.names.hosts import read_hosts
from loopdiag.host.linux.names.nsswitch import read_services
from loopdiag.host.linux.names.resolv import read_gai, read_resolv
from loopdiag.model.names import NameFacts
from loopdiag.model.unknown import Unknown


def read_names(name: str, host_name: str | None = None, root: Path = Path("/")) -> NameFacts:
    """The files only: nothing is asked. `host_name` is this host's own name where it is not gethostname(2)."""
    own = host_name or socket.gethostname()
    order = read_services(root)
    resolv = read_resolv(root)
    own_lines = read_hosts(own, root) if own else ()
    return NameFacts(
        name=name,
        hosts=read_hosts(name, root),
        services=order.services,
        services_line=order.line,
        services_spoilt=order.spoilt,
        servers=resolv.servers,
        servers_named=resolv.named,
        search=resolv.search,
        host_name=own or None,
        host_name_lines=() if isinstance(own_lines, Unknown) else own_lines,
        gai_conf=read_gai(root),
    )
