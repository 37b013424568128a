"""Whether somebody reads the NFQUEUE numbers that a rule uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.explain.packetfilter.values import Answer
    from loopdiag.model.packetfilter import QueueReader

STUCK = 1  # packets that wait for their verdict: the reader has bound the queue, and does not read


def read_by(numbers: str, queues: Sequence[QueueReader] | None) -> Answer:
    """True where every one of `3` or `3-5` has a reader, False where none has, None where that is not known."""
    if queues is None or not numbers.replace("-", "").isdecimal():
        return None
    low, _, high = numbers.partition("-")
    wanted = set(range(int(low), int(high or low) + 1))
    read = wanted & {queue.number for queue in queues}
    return True if read == wanted else None if read else False


def stuck(numbers: str, queues: Sequence[QueueReader] | None) -> bool:
    """A reader has bound the queue and lets packets wait in it."""
    if queues is None or not numbers.replace("-", "").isdecimal():
        return False
    low, _, high = numbers.partition("-")
    return any(int(low) <= queue.number <= int(high or low) and queue.waiting >= STUCK for queue in queues)
