"""`conntrack-full`: the connection tracking table, or a rule's limit of connections, is used up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.filtering.attempts import failed
from loopdiag.explain.filtering.wording import named, packet, shown, text
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.explain.filtering.attempts import Attempt
    from loopdiag.model.case import Case
    from loopdiag.model.packetfilter import FilterPath, FilterStep

_LIMIT = re.compile(r"a connection limit \((over|up to) (\d+)")
_HELD = ("ESTABLISHED", "TIME-WAIT", "CLOSE-WAIT", "FIN-WAIT-1", "FIN-WAIT-2", "LAST-ACK", "CLOSING", "SYN-RECV")


def is_limit(step: FilterStep) -> bool:
    """The step hangs on how many connections there are."""
    return bool(_LIMIT.match(step.depends_on))


def connection_limit(case: Case) -> Iterator[Finding]:
    """nft's `ct count`, iptables' connlimit: counted against the connections to that port that this host holds."""
    for attempt in failed(case):
        found = _limited(attempt)
        if found:
            yield _finding(case, attempt, *found)


def _limited(attempt: Attempt) -> tuple[FilterPath, FilterStep, FilterStep | None] | None:
    """The path, the step that depends on the limit, and what stops the packet where that step lets others pass."""
    for path in attempt.paths:
        last = path.steps[-1] if path.steps else None
        for step in path.steps:
            if not is_limit(step):
                continue
            if step.action in ("drop", "reject"):
                return path, step, None
            if path.verdict in ("drop", "reject") and last is not step:
                return path, step, last
    return None


def _finding(
    case: Case, attempt: Attempt, path: FilterPath, step: FilterStep, stopped_by: FilterStep | None
) -> Finding:
    match = _LIMIT.match(step.depends_on)
    limit = int(match[2]) if match else 0
    held = _connections(case, attempt)
    full = held is not None and held >= limit
    counted = f"this host holds {held} of them" if held is not None else "its connections were not counted"
    way = "" if stopped_by is None else f", and {named(stopped_by)} stops all others"
    return Finding(
        cause="conntrack-full",
        certainty=Certainty.PROVEN if full else Certainty.LIKELY,
        subject=attempt.to,
        statement=f"{named(step)} allows {limit} connection{'' if limit == 1 else 's'} at a time and "
        f"{'is' if full else 'is probably'} used up"
        f"{way}, so {packet(path.packet, attempt.to)} gets no further: {text(step)}",
        evidence=(shown(step), Evidence(f"connections to port {attempt.seen[0].port}", counted), *attempt.evidence),
        fixes=(Fix("close connections that are not needed, or raise the limit in that rule"),),
    )


def _connections(case: Case, attempt: Attempt) -> int | None:
    """Connections to the port, seen from their serving end; TIME-WAIT ones are still tracked."""
    sockets = known(case.facts.sockets)
    if sockets is None:
        return None
    port = attempt.seen[0].port
    return sum(one.protocol == "tcp" and one.port == port and one.state in _HELD for one in sockets)


def table_full(case: Case) -> Iterator[Finding]:
    """The table of all tracked connections is full: a packet that opens a new one is dropped."""
    table = known(case.facts.conntrack)
    if table is None or not table.limit or table.count < table.limit:
        return
    for attempt in failed(case):
        if attempt.silent or attempt.refused_to_send:
            yield Finding(
                cause="conntrack-full",
                subject=attempt.to,
                statement=f"the connection tracking table is full ({table.count} of {table.limit} entries), so the "
                f"kernel drops what would open a new connection, such as the one to {attempt.to}",
                evidence=(
                    Evidence("net.netfilter.nf_conntrack_count", str(table.count)),
                    Evidence("net.netfilter.nf_conntrack_max", str(table.limit)),
                    *attempt.evidence,
                ),
                fixes=(
                    Fix("raise the limit", f"sysctl -w net.netfilter.nf_conntrack_max={table.limit * 2}"),
                    Fix("find out what opens so many connections", "conntrack -L"),
                ),
            )
            return
