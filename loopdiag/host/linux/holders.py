"""Which of the processes that were searched hold certain sockets, and what they are; in plain types."""

from __future__ import annotations

TYPE_CHECKING = False  # begun by cli/head_start.py
if TYPE_CHECKING:
    from typing import Any

    from loopdiag.host.linux.descriptors import Held
    from loopdiag.host.linux.processes import Processes

    # inodes by pid, each of those processes by the names of Process, and whether some process was hidden
    Holders = tuple[dict[int, list[int]], list[dict[str, Any]], bool]


_ENDED = (None, "Z", "X")  # its state; so is that of a process with other threads than the main one only if all ended


def holders(found: Held, wanted: set[int], processes: Processes) -> Holders:
    """Of what was found, the processes that hold a socket that is wanted; not those that have ended since."""
    held, hidden = found
    told = [processes.tell(pid, count) for pid, (count, inodes) in held.items() if not wanted.isdisjoint(inodes)]
    alive = [one for one in told if one["state"] not in _ENDED]
    return {one["pid"]: list(wanted.intersection(held[one["pid"]][1])) for one in alive}, alive, hidden
