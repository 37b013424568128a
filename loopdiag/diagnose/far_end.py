"""Whether a connection stands at its other end too: our own end knows it as soon as the SYN-ACK came."""

from __future__ import annotations

import time

from loopdiag.host.read import read
from loopdiag.model.counters import Counters
from loopdiag.model.socket import Socket
from loopdiag.model.target import split_port
from loopdiag.probes.tcp import TcpAttempt

# Seconds. The last packet of the handshake is normally taken in before connect() returns, and may wait for its CPU.
_PAUSES = (0.0, 0.001, 0.004, 0.015)
_STEPS, _LONGEST = 6, 3.0  # where two packets took long, so may the third, behind others: looks, and seconds
_DEFERRED = "TcpExt.TCPDeferAcceptDrop"


def far_end(local: str, peer: str, took: float = 0.0) -> str | None:
    """The state of the socket at `peer` for the connection from `local`; None where this host has none.

    SYN-RECV only where it stays so for some 20 ms, and for twice as long as the connection took (seconds); DEFERRED
    where it does by the listener's own wish.
    """
    state = None
    for pause in (*_PAUSES, *_further(took)):
        if pause:
            time.sleep(pause)
        found = read("far_end", local, peer)
        state = found.state if isinstance(found, Socket) else None
        if state != "SYN-RECV":
            return state
    return "DEFERRED" if _defers(peer) else state


def _further(took: float) -> tuple[float, ...]:
    return (2 * min(took, _LONGEST) / _STEPS,) * _STEPS if took > sum(_PAUSES) else ()


def _defers(peer: str) -> bool:
    """A listener with TCP_DEFER_ACCEPT lets the handshake wait until data has come, and counts it: tcp(7)."""
    host, port = split_port(peer)
    before = read("counters")
    with TcpAttempt(host, int(port or 0)) as another:
        another.wait(_PAUSES[-1])
        after = read("counters")
    counted = isinstance(before, Counters) and isinstance(after, Counters)
    return counted and after.protocol.get(_DEFERRED, 0) > before.protocol.get(_DEFERRED, 0)
