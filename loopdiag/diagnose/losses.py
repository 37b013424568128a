"""Whether a packet of ours gets lost on lo, by the kernel's counts: needs no privilege, unlike its record of drops."""

from __future__ import annotations

import time
from ipaddress import ip_address
from typing import TYPE_CHECKING

from loopdiag.host.read import read
from loopdiag.model.counters import Counters
from loopdiag.model.routed import routed

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPBACK = "lo"
_SETTLE = 0.005  # seconds: what lo takes in is delivered before the system call returns, but for a busy CPU's queue


def lost_on_loopback(send: Callable[[], object], address: str) -> str | None:
    """Send to `address` once more; a sentence where lo never saw it, or did not deliver it; else None."""
    before = read("counters")
    send()
    time.sleep(_SETTLE)
    after = read("counters")
    if not isinstance(before, Counters) or not isinstance(after, Counters) or LOOPBACK not in after.sent:
        return None
    moved = after.since(before)
    sent, out, behind = moved.sent[LOOPBACK], moved.stopped_on_their_way_out, moved.stopped_behind(LOOPBACK)
    if sent == 0 and ip_address(routed(address)).is_loopback:
        return "nothing that was sent came as far as lo"
    if behind:
        return f"lo took in {_packets(sent)}, and {sent - behind} came through"
    return f"{_packets(out)} to this host did not come as far as lo" if out else None


def _packets(count: int) -> str:
    return f"{count} packet{'' if count == 1 else 's'}"
