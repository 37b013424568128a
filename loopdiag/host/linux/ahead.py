"""Work that is begun before its value is needed, in a child process on another core."""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Value = TypeVar("Value")


def ahead(work: Callable[[], Value]) -> Callable[[], Value]:
    """Begin `work` now; what is returned waits for its value, of types that marshal knows, and is called once.

    Where that gains nothing (one core) or is not safe (a fork beside other threads), or where the child comes to
    nothing, the work is done when its value is asked for.
    """
    if len(os.sched_getaffinity(0)) < 2 or _has_threads():
        return work
    try:
        reading, writing = os.pipe()
    except OSError:
        return work
    try:
        child = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return work
    if not child:
        _be_the_child(work, writing)
    os.close(writing)
    return lambda: _collected(work, child, reading)


def _has_threads() -> bool:
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1


def _be_the_child(work: Callable[[], Value], writing: int) -> None:
    """Never returns: what the parent does at exit is not the child's to do.

    Nor are its files: who reads its output to the end does not wait for the child, which is no owner of its sockets.
    """
    os.closerange(0, writing)
    os.closerange(writing + 1, os.sysconf("SC_OPEN_MAX"))
    with contextlib.suppress(BaseException), open(writing, "wb") as pipe:
        pipe.write(marshal.dumps(work()))  # type: ignore[arg-type]  # what it cannot write is done again by the parent
    os._exit(0)


def _collected(work: Callable[[], Value], child: int, reading: int) -> Value:
    with open(reading, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    try:
        value: Value = marshal.loads(data)  # noqa: S302 - our own child wrote it
    except (EOFError, ValueError, TypeError):
        return work()
    return value
