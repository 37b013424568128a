"""Which processes hold a socket, looked for before it is known which sockets are asked about."""

from __future__ import annotations

import os

from loopdiag.host.linux.descriptors import is_hidden, numbers, search
from loopdiag.host.linux.holders import holders
from loopdiag.host.linux.processes import Processes
from loopdiag.host.linux.together import together

TYPE_CHECKING = False  # begun by cli/head_start.py
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from loopdiag.host.linux.descriptors import Held
    from loopdiag.host.linux.holders import Holders
    from loopdiag.host.linux.owners import Owners

_PARTS = 128
_FEW = 8  # processes


def seek_owners() -> Callable[[Iterable[int]], Mapping[int, Owners]]:
    """Begin the pass over /proc/*/fd now; what is returned is called once, and is find_owners() for these inodes."""
    pids = numbers("/proc")
    size = max(_FEW, -(-len(pids) // _PARTS))
    parts = [pids[at : at + size] for at in range(0, len(pids), size)]
    processes = Processes(brief=True)  # what some sleep in is evidence for `why`, not for `listeners`

    parent = os.getpid()

    def begin(part: list[int]) -> Held:
        return search(pids=part, moving=os.getpid() != parent)  # the child's working directory is nobody's concern

    def finish(found: Held, wanted: set[int]) -> Holders:
        return holders(found, wanted, processes)

    ended = together(parts, begin, finish)

    def owners(inodes: Iterable[int]) -> Mapping[int, Owners]:
        from loopdiag.host.linux.owners import by_inode

        wanted = {inode for inode in inodes if inode}
        found = ended(wanted)
        if is_hidden(pids):
            found.append(({}, [], True))
        missing = wanted.difference(*(held for holding, _, _ in found for held in holding.values()))
        if missing:  # they may have been opened since the pass came by
            found.append(holders(search(), missing, processes))
        return by_inode(wanted, found)

    return owners
