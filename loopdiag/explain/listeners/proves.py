"""What the outcome of one attempt proves, in a sentence, and who listens where it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.listeners.serving import serving
from loopdiag.explain.listeners.wording import listed, where, who
from loopdiag.model.observation import Outcome, TcpConnect, UdpExchange

if TYPE_CHECKING:
    from loopdiag.model.case import Case
    from loopdiag.model.observation import Observation
    from loopdiag.model.socket import Socket

_NO_WAY = {
    "ENETUNREACH": "the kernel has no route there: nothing was sent",
    "EHOSTUNREACH": "the kernel, or a router, says that the host cannot be reached",
    "EADDRNOTAVAIL": "the kernel has no local address or no source port to connect from: nothing was sent",
    "EINVAL": "the kernel does not take this destination (a blackhole route, or a zone that is missing)",
    "EAFNOSUPPORT": "this process gets no socket of that IP version",
    "ENOENT": "there is no socket of that name",
    "ENODEV": "there is no interface of the name given as zone",
}


def proves(case: Case, one: Observation) -> str:
    """One sentence without a full stop."""
    there = serving(case, one) if one.port is not None else ()
    if one.outcome in (Outcome.CONNECTED, Outcome.REPLIED):
        return _answered(case, one, there)
    if one.outcome is Outcome.REFUSED:
        return _refused(one, there)
    if one.outcome is Outcome.TIMED_OUT:
        return _silent(one, there)
    if isinstance(one, TcpConnect) and one.peer and one.peer == one.local:
        return "the connection was joined to itself: nobody listens there"
    if one.outcome is Outcome.DENIED:
        return "this process, or its packet, is not let there: a rule of this host says no"
    if one.outcome is Outcome.RESET:
        return "the other end broke the connection off"
    return _NO_WAY.get(one.errno or "", "the kernel refused the call itself: nothing was sent")


def _answered(case: Case, one: Observation, there: tuple[Socket, ...]) -> str:
    if isinstance(one, TcpConnect) and one.half_open:
        return "the connection stands at this end only: its last packet did not come to the listener"
    reply = f"{one.reply_bytes} bytes came back from {one.replied_from}; " if isinstance(one, UdpExchange) else ""
    if there:
        return reply + _listens(there)
    if known(case.facts.listeners) is None:
        return f"{reply}something listens there"
    return f"{reply}no socket of this host has that address and port: something passes it on, or another host answers"


def _listens(there: tuple[Socket, ...]) -> str:
    verb = "listens" if there[0].protocol == "tcp" else "receives"
    return f"{listed(who(one) for one in there)} {verb} there, on {listed(where(one) for one in there)}"


def _refused(one: Observation, there: tuple[Socket, ...]) -> str:
    sender = getattr(one, "error_from", None)
    if one.kind == "unix-connect":
        return "the name is there, but no process listens behind it"
    if one.kind == "udp":
        return f"an ICMP error (port unreachable) came from {sender or 'the other end'}: no socket takes it there" + (
            f", although {_listens(there)}" if there else ""
        )
    if sender:
        return f"an ICMP error came from {sender}: a packet filter rejects it, for a closed port answers with a reset"
    if there:
        return f"a reset came back, although {_listens(there)}"
    return "a reset came back: nobody listens at that address and port"


def _silent(one: Observation, there: tuple[Socket, ...]) -> str:
    if isinstance(one, UdpExchange):
        if one.replied_from:
            return f"an answer came from {one.replied_from} instead, which a client that checks does not take"
        taken = f"{_listens(there)}, and " if there else ""
        return f"{taken}silence proves neither open nor closed for UDP"
    reason = getattr(one, "gave_up", None)
    if reason:
        return f"{reason}, so waiting tells no more"
    took = f"{_listens(there)}, but " if there else ""
    return f"{took}no answer came: the packet or its answer was dropped, or nobody has room to take it"
