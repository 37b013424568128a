"""Where a packet was freed, on kernels that tell it by an address: skb:kfree_skb of Linux 5.10 and 6.1.

The address is bare, or a hash of it, which nobody can look up. A trigger of the instance has the kernel write its
stack after each such event, by names: https://docs.kernel.org/trace/events.html, "stacktrace".
"""

from __future__ import annotations

import re
from typing import NamedTuple

EVENT = "skb/kfree_skb"
TRIGGER = "stacktrace"
_BARE = re.compile(r"print fmt: .*\blocation=%p(?!\w)")  # newer kernels have %pS, which is a name
_WHERE = r"-(\d+)\s+(?:\(\s*[\d-]+\)\s+)?(\[\d+\]) .*: "  # thread and CPU
_FREED = re.compile(_WHERE + "kfree_skb: ")
_STACK = re.compile(_WHERE + "<stack trace>$")
_CALLED = re.compile(r" => ([A-Za-z_]\w*)")
_LOCATION = re.compile(r"\blocation=[0-9a-f]+\b")
# The functions that free, and those that write the event.
_OWN = re.compile(r"trace_event_|__traceiter_|__bpf_trace_|_*kfree_skb|sk_skb_reason_drop|perf_trace_")


class _Asked(NamedTuple):
    """A line that has no name yet, and the thread and CPU whose stack follows."""

    line: int
    where: tuple[str, ...]


def has_bare_addresses(format_file: str) -> bool:
    """Whether the text of the event's `format` file says that it tells addresses."""
    return _BARE.search(format_file) is not None


def with_places(text: str) -> str:
    """`text` with the name of the function in place of each address whose stack follows, and without the stacks."""
    if "<stack trace>" not in text:
        return text
    lines: list[str] = []
    asked: list[_Asked] = []
    wanted: int | None = None  # the line that the stack being read belongs to
    inside = False
    for line in text.splitlines(keepends=True):
        if inside and (called := _CALLED.match(line)):
            if wanted is not None and not _OWN.match(called[1]):
                lines[wanted] = _LOCATION.sub(f"location={called[1]}", lines[wanted])
                wanted = None
            continue
        stack = _STACK.search(line.rstrip("\n"))
        inside = stack is not None
        if stack:
            wanted = _take(asked, stack.groups())
            continue
        if freed := _FREED.search(line):
            asked.append(_Asked(len(lines), freed.groups()))
        lines.append(line)
    return "".join(lines)


def _take(asked: list[_Asked], where: tuple[str, ...]) -> int | None:
    """The last event of that thread on that CPU; its stack is written right after it."""
    for at in range(len(asked) - 1, -1, -1):
        if asked[at].where == where:
            return asked.pop(at).line
    return None
