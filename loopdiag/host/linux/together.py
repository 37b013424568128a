"""Work in parts that this process and a child on another core do together, begun before it is known what is wanted."""

from __future__ import annotations

import marshal
import os
import sys
from mmap import mmap
from select import POLLIN, poll

TYPE_CHECKING = False  # begun by cli/head_start.py
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, TypeVar

    Part = TypeVar("Part")
    Wanted = TypeVar("Wanted")
    Value = TypeVar("Value")

_ROOM = 1 << 26  # bytes, of which only those are taken up that are written
_PATIENCE = 5000  # ms; the child has the time of one part to answer in
_SIGKILL = 9


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

    between = _prepared()
    if not between:
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
            between.ask(wanted)
            values = [finish(begin(parts[number]), wanted) for number in between.left]
            if between.begun.has_something(_PATIENCE):
                values += [finish(one, wanted) for one in between.shared()]
            others = between.told.receive() if between.told.has_something(_PATIENCE) else None
        finally:
            between.close()
        _see_off(child, has_told=others is not None)
        return alone(wanted) if others is None else values + others

    return both


def _prepared() -> _Between | None:
    if _has_threads():
        return None
    try:
        return _Between() if len(os.sched_getaffinity(0)) > 1 else None
    except OSError:
        return None


def _see_off(child: int, *, has_told: bool) -> None:
    """One that comes to nothing may have been stopped; where SIGCHLD is ignored, it is gone already: waitpid(2)."""
    try:
        if not has_told:
            os.kill(child, _SIGKILL)
        os.waitpid(child, 0)
    except OSError:
        return  # nor may a sandbox let us wait


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
            if between.asked.has_something():
                break
        for _ in between.asked:  # not where the parent has ended
            wanted = between.wanted()
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

    def has_something(self, patience: int = 0) -> bool:
        """Be it the end; within so many ms."""
        waiting = poll()
        waiting.register(self.out, POLLIN)
        return bool(waiting.poll(patience))

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
    """What the two processes have in common: what they say is in memory, that it is said in pipes. Raises OSError."""

    def __init__(self) -> None:
        self._wanted, self._begun = mmap(-1, _ROOM), mmap(-1, _ROOM)
        self._pipes: list[_Pipe] = []
        try:
            for _ in range(4):
                self._pipes.append(_Pipe())
        except OSError:
            self.close()
            raise
        self.left, self.begun, self.asked, self.told = self._pipes

    def keep_the_parents(self) -> None:
        """With another's ends open here, no end would ever be seen, nor that the child has ended."""
        self.begun.into.close()
        self.told.into.close()
        self.asked.out.close()

    def keep_the_childs(self) -> None:
        """Who reads the parent's output to its end does not wait for the child, which is no owner of its sockets."""
        kept = self.left.out, self.begun.out, self.begun.into, self.asked.out, self.told.into
        edges = sorted(end.fileno() for end in kept)
        for after, before in zip([-1, *edges], [*edges, os.sysconf("SC_OPEN_MAX")], strict=True):
            os.closerange(after + 1, before)

    def ask(self, wanted: Any) -> None:
        self._wanted.write(marshal.dumps(wanted))
        try:
            self.asked.put(1)
        except BrokenPipeError:
            return  # the child came to nothing

    def wanted(self) -> Any:
        return marshal.loads(self._wanted)  # noqa: S302 - our own other process wrote it

    def share(self, begun: list[Any]) -> None:
        self._begun.write(marshal.dumps(begun))
        self.begun.put(len(begun))

    def shared(self) -> Iterator[Any]:
        """What is begun, now or soon, and taken by nobody yet."""
        begun: list[Any] = []
        for number in self.begun:
            begun = begun or marshal.loads(self._begun)  # noqa: S302 - our own other process wrote it
            yield begun[number]

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        self._wanted.close()
        self._begun.close()
