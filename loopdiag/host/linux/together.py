"""Work in parts that this process and a child on another core do together, begun before it is known what is wanted."""

from __future__ import annotations

import marshal
import os
import sys
from mmap import mmap

TYPE_CHECKING = False  # begun by cli/head_start.py
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, TypeVar

    Part = TypeVar("Part")
    Wanted = TypeVar("Wanted")
    Value = TypeVar("Value")

_ROOM = 1 << 26  # bytes, of which only those are taken up that are written


def together(
    parts: Sequence[Part], begin: Callable[[Part], Any], finish: Callable[[Any, Wanted], Value]
) -> Callable[[Wanted], list[Value]]:
    """Let a child `begin` the parts, at most 255, now. What is returned is called once, with what is wanted.

    From then on both take what is left, one by one: parts to begin and to `finish`, and parts that the child has begun.
    It gives what `finish` makes of every part, in no certain order; all but the parts is of types that marshal knows.

    Where a child gains nothing (one core) or is not safe (a fork beside other threads), or where it comes to nothing,
    all is done here when it is called for.
    """

    def alone(wanted: Wanted) -> list[Value]:
        return [finish(begin(part), wanted) for part in parts]

    if len(os.sched_getaffinity(0)) < 2 or _has_threads():
        return alone
    try:
        between = _Between()
    except OSError:
        return alone
    between.left.put(len(parts))
    try:
        child = os.fork()
    except OSError:
        between.close()
        return alone
    if not child:
        _be_the_child(parts, begin, finish, between)
    between.keep_the_parents()

    def both(wanted: Wanted) -> list[Value]:
        try:
            between.tell(wanted)
            values = [finish(begin(parts[number]), wanted) for number in between.left]
            values += [finish(one, wanted) for one in between.shared()]
            others = between.told.receive()
        finally:
            between.close()
        os.waitpid(child, 0)
        return alone(wanted) if others is None else values + others

    return both


def _has_threads() -> bool:
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1


def _be_the_child(
    parts: Sequence[Part], begin: Callable[[Part], Any], finish: Callable[[Any, Any], Any], between: _Between
) -> None:
    """Never returns: what the parent does at exit is not the child's to do."""
    try:
        between.keep_the_childs()
        begun = []
        for number in between.left:
            begun.append(begin(parts[number]))
            if between.wanted.has_something():
                break
        wanted = between.wanted.receive()
        if wanted is not None:  # else the parent has ended
            between.share(begun)
            values = [finish(one, wanted) for one in between.shared()]
            values += [finish(begin(parts[number]), wanted) for number in between.left]
            between.told.send(values)
    finally:
        os._exit(0)  # what is not told is done again by the parent


class _Pipe:
    """For one value, or for numbers that are taken one by one by whoever has time."""

    def __init__(self) -> None:
        out, into = os.pipe()
        self.out, self.into = os.fdopen(out, "rb", buffering=0), os.fdopen(into, "wb")

    def put(self, count: int) -> None:
        with self.into:
            self.into.write(bytes(range(count)))

    def __iter__(self) -> Iterator[int]:
        while number := self.out.read(1):
            yield number[0]

    def send(self, value: Any) -> None:
        with self.into:
            self.into.write(marshal.dumps(value))

    def has_something(self) -> bool:
        """Be it the end."""
        from select import POLLIN, poll  # in the child alone

        waiting = poll()
        waiting.register(self.out, POLLIN)
        return bool(waiting.poll(0))

    def receive(self) -> Any:
        """None where nothing came, or not all of it."""
        try:
            return marshal.loads(self.out.read())  # noqa: S302 - our own other process wrote it
        except (EOFError, ValueError, TypeError):
            return None

    def close(self) -> None:
        self.out.close()
        self.into.close()


class _Between:
    """What the two processes have in common. Raises OSError."""

    def __init__(self) -> None:
        self._room = mmap(-1, _ROOM)
        self._pipes: list[_Pipe] = []
        try:
            for _ in range(4):
                self._pipes.append(_Pipe())
        except OSError:
            self.close()
            raise
        self.left, self.begun, self.wanted, self.told = self._pipes

    def keep_the_parents(self) -> None:
        """What the child writes would never be read to its end."""
        self.begun.into.close()
        self.told.into.close()

    def keep_the_childs(self) -> None:
        """Who reads the parent's output to its end does not wait for the child, which is no owner of its sockets."""
        kept = self.left.out, self.begun.out, self.begun.into, self.wanted.out, self.told.into
        edges = sorted(end.fileno() for end in kept)
        for after, before in zip([-1, *edges], [*edges, os.sysconf("SC_OPEN_MAX")], strict=True):
            os.closerange(after + 1, before)

    def tell(self, wanted: Any) -> None:
        try:
            self.wanted.send(wanted)
        except BrokenPipeError:
            return  # the child came to nothing

    def share(self, begun: list[Any]) -> None:
        self._room.write(marshal.dumps(begun))
        self.begun.put(len(begun))

    def shared(self) -> Iterator[Any]:
        """What is begun, now or soon, and taken by nobody yet."""
        begun: list[Any] = []
        for number in self.begun:
            begun = begun or marshal.loads(self._room)  # noqa: S302 - our own other process wrote it
            yield begun[number]

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        self._room.close()
