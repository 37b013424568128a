"""Lines of a trace file -> records. https://docs.kernel.org/trace/ftrace.html#output-format"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loopdiag.model.dropreason import ordinary
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE = re.compile(
    r"\s*(?P<task>.+)-(?P<pid>\d+)\s+(?:\(\s*[\d-]+\)\s+)?\[(?P<cpu>\d+)\]\s+(?P<flags>\S+)\s+(?P<at>\d+\.\d+): "
    r"(?P<event>\w+): ?(?P<text>.*)"
)
_LOST = re.compile(r"CPU:\d+ \[LOST (\d+) EVENTS\]")
_FIELD = re.compile(r"(\w+)=(\S+)")
_SPACED_FIELD = re.compile(r"([a-z][a-z ]*?) = ([^,\s]+)")  # sock:sock_send_length: `sk address = ..., length = 8`
_REASON = re.compile(r"\breason: (\w+)")  # skb:kfree_skb since Linux 5.17
# An address up to Linux 6.1, which stacks.py gives a name; without one it is no place.
_PLACE = re.compile(r"\blocation=(?!f[0-9a-f]{15}\b)([A-Za-z_]\w*)")
_ONLY_REASON = {"nf_hook_slow": "NETFILTER_DROP"}  # functions that free a packet for this reason alone, before 5.17

PROTOCOLS = {"2048": "ipv4", "0x0800": "ipv4", "34525": "ipv6", "0x86dd": "ipv6", "2054": "arp", "0x0806": "arp"}


@dataclass(frozen=True, slots=True)
class Record:
    """One event. `at` is the trace clock in seconds; `pid` the thread's number as the tracer counts (the machine's
    own PID namespace); `task` its name, None where the tracer had not learned it.
    """

    event: str
    at: float
    task: str | None
    pid: int
    cpu: int
    softirq: bool
    hardirq: bool  # an interrupt, which has nothing to do with what it interrupts
    text: str
    fields: Mapping[str, str]

    @property
    def packet(self) -> str | None:
        """The buffer's address, as the tracer shows it."""
        return self.fields.get("skbaddr")

    @property
    def device(self) -> str | None:
        """The interface, where the event has one."""
        return self.fields.get("dev")

    @property
    def reason(self) -> str | None:
        """Why the kernel dropped it; None where it does not say."""
        found = _REASON.search(self.text)
        if not found:
            return _ONLY_REASON.get(self.place)
        return found[1] if found[1] != "NOT_SPECIFIED" else None

    @property
    def ordinary(self) -> bool:
        """Whether it frees a packet without a loss."""
        return ordinary(self.reason, self.place)

    @property
    def place(self) -> str:
        """The kernel function that freed it, empty where the kernel does not name it."""
        found = _PLACE.search(self.text)
        return found[1] if found else ""

    @property
    def ports(self) -> frozenset[tuple[str, str]] | None:
        """Both ends of a TCP socket's event as (address, port); None while the local port is not chosen."""
        get = self.fields.get
        if not (get("sport") and get("dport")) or get("sport") == "0":
            return None
        source, destination = ("saddrv6", "daddrv6") if get("family") == "AF_INET6" else ("saddr", "daddr")
        return frozenset({(get(source, ""), get("sport", "")), (get(destination, ""), get("dport", ""))})


def parse(text: str) -> tuple[list[Record], int]:
    """The records in the order of the trace, and how many events the kernel says it lost."""
    records, lost = [], 0
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found:
            records.append(_record(found))
        elif missing := _LOST.match(line):
            lost += int(missing[1])
    return records, lost


def _record(found: re.Match[str]) -> Record:
    text = found["text"]
    fields = dict(_FIELD.findall(text))
    fields.update((name.strip().replace(" ", "_"), value) for name, value in _SPACED_FIELD.findall(text))
    task = found["task"].strip()
    return Record(
        found["event"], float(found["at"]), None if task == "<...>" else task, int(found["pid"]), int(found["cpu"]),
        "s" in found["flags"], any(flag in found["flags"] for flag in "hHzZ"), text, fields,
    )  # fmt: skip
