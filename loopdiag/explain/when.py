"""When a rule can bear on a case at all: by what was tried and what was read. Cheap, and never a judgement."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopdiag.model.case import Case

_SPOKEN = ("http", "tls", "greeting")
_CUT = ("reset", "closed")
_FILTER = ("filter_paths", "ruleset", "conntrack", "drops")
_CONFINEMENT = ("sandbox", "cgroup_programs", "drops")


def always(case: Case) -> bool:
    """Whatever was asked."""
    return True


def troubled(case: Case) -> bool:
    """An attempt failed, or nothing was sent at all."""
    return bool(case.failed) or not case.observations


def named(case: Case) -> bool:
    """The resolver was asked."""
    return _given(case, "names", "answers")


def filtered(case: Case) -> bool:
    """The packet filter or what it may have dropped was read."""
    return _given(case, *_FILTER)


def queued(case: Case) -> bool:
    """The queueing disciplines were read."""
    return _given(case, "qdiscs")


def confined(case: Case) -> bool:
    """What confines this process was read."""
    return _given(case, *_CONFINEMENT)


def echoed(case: Case) -> bool:
    """An echo request was sent, or was to be sent."""
    return _tried(case, "icmp-echo")


def bound(case: Case) -> bool:
    """A bind() was tried."""
    return _tried(case, "bind")


def spoken(case: Case) -> bool:
    """The service was spoken to, or ended the connection itself."""
    return _tried(case, *_SPOKEN) or any(one.outcome.value in _CUT for one in case.observations)


def has_port(case: Case) -> bool:
    """It is about a port or a UNIX socket."""
    return case.target.port is not None or case.target.transport == "unix"


def met_itself(case: Case) -> bool:
    """A socket on the port is connected to itself."""
    sockets = case.facts.sockets
    return isinstance(sockets, tuple) and any(one.peer_port == one.port and one.peer == one.local for one in sockets)


def _given(case: Case, *topics: str) -> bool:
    return any(getattr(case.facts, topic) is not None for topic in topics)


def _tried(case: Case, *kinds: str) -> bool:
    return any(one.kind in kinds for one in case.observations)
