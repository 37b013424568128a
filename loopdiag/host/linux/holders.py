"""Which of the processes that were searched hold certain sockets, and what they are; in plain types."""

from __future__ import annotations

TYPE_CHECKING = False  # begun by cli/head_start.py
if TYPE_CHECKING:
    from typing import Any

    from loopdiag.host.linux.descriptors import Held
    from loopdiag.host.linux.processes import Processes

    # inodes by pid, each of those processes by the names of Process, and whether some process was hidden
    Holders = tuple[dict[int, list[int]], list[dict[str, Any]], bool]


def holders(found: Held, wanted: set[int], processes: Processes) -> Holders:
    """Of what was found, the processes that hold a socket that is wanted."""
    held, hidden = found
    holding = {pid: list(wanted.intersection(inodes)) for pid, inodes in held.items() if not wanted.isdisjoint(inodes)}
    return holding, [processes.tell(pid) for pid in holding], hidden
