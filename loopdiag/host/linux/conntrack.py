"""How full the connection tracking table is: kernel document networking/nf_conntrack-sysctl."""

from __future__ import annotations

from pathlib import Path

from loopdiag.host.linux.sysctls import read_sysctl
from loopdiag.model.limits import Conntrack
from loopdiag.model.unknown import Unknown


def read_conntrack(root: Path = Path("/")) -> Conntrack | Unknown:
    """Entries of this network namespace and the limit; both 0 on a kernel that tracks no connections."""
    count = read_sysctl("net.netfilter.nf_conntrack_count", root)
    limit = read_sysctl("net.netfilter.nf_conntrack_max", root)
    for value in (count, limit):
        if isinstance(value, Unknown):
            return Unknown("connection tracking", value.because)
    try:
        return Conntrack(count=int(str(count or 0)), limit=int(str(limit or 0)))
    except ValueError:
        return Unknown("connection tracking", "its sysctls hold no numbers")
