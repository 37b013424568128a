"""The filters of tc on a device, with what their actions do and did: tc-actions(8), linux/pkt_cls.h."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from loopdiag.host.linux.netlink import ROUTE, NetlinkError, attributes, dump, listed, text
from loopdiag.model.limits import TrafficFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

RTM_GETTFILTER = 46
TCMSG = struct.Struct("=BxxxiIII")
TCA_KIND, TCA_OPTIONS = 1, 2
INGRESS_PARENTS = (0xFFFFFFF2, 0xFFFFFFF3)  # TC_H_MIN_INGRESS and TC_H_MIN_EGRESS of TC_H_CLSACT
PARENTS = {0xFFFFFFF2: "ingress", 0xFFFFFFF3: "egress"}
# classifier -> its attribute that lists the actions: TCA_U32_ACT, TCA_FLOWER_ACT, ...
ACTIONS = {"u32": 7, "flower": 3, "matchall": 2, "bpf": 1, "basic": 3, "fw": 4, "route": 6, "cgroup": 1, "flow": 10}
TCA_BPF_NAME = 7
TCA_ACT_KIND, TCA_ACT_OPTIONS, TCA_ACT_STATS = 1, 2, 4
TCA_STATS_BASIC, TCA_STATS_QUEUE = 1, 3
# action -> its attribute whose struct begins with index, capab, action; TC_ACT_* of that action
PARMS = {"gact": 2, "mirred": 2, "police": 1, "pedit": 2, "skbmod": 2, "nat": 1, "bpf": 2}
VERDICTS = {-1: "unspec", 0: "ok", 1: "reclassify", 2: "drop", 3: "pipe", 4: "stolen", 5: "queued", 7: "redirect"}


def read_filters(index: int, parents: Iterable[int]) -> tuple[TrafficFilter, ...]:
    """The filters below these parents of interface `index`. Raises OSError or ValueError, as netlink does."""
    found: list[TrafficFilter] = []
    for parent in parents:
        try:
            messages = dump(ROUTE, RTM_GETTFILTER, TCMSG.pack(0, index, 0, parent, 0))
        except NetlinkError:  # this discipline takes no filters
            continue
        found.extend(one for message in messages if (one := _filter(message)))
    return tuple(dict.fromkeys(found))


def _filter(message: bytes) -> TrafficFilter | None:
    """One filter; None for the head of a priority, which has no options."""
    _, _, handle, parent, info = TCMSG.unpack_from(message)
    parts = attributes(message, TCMSG.size)
    if TCA_KIND not in parts or TCA_OPTIONS not in parts or not handle:
        return None
    kind = text(parts[TCA_KIND])
    options = attributes(parts[TCA_OPTIONS])
    actions = tuple(_actions(options.get(ACTIONS.get(kind, 0), b"")))
    return TrafficFilter(
        parent=PARENTS.get(parent, f"{parent >> 16:x}:"),
        kind=kind,
        priority=info >> 16,
        actions=tuple(name for name, _, _ in actions),
        packets=sum(packets for _, packets, _ in actions),
        dropped=sum(dropped for _, _, dropped in actions),
        name=text(options[TCA_BPF_NAME]) if kind == "bpf" and TCA_BPF_NAME in options else None,
    )


def _actions(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Each action of a filter: what it does, the packets that it saw, and those that it dropped."""
    for _, action in listed(data):
        parts = attributes(action)
        kind = text(parts.get(TCA_ACT_KIND, b""))
        stats = attributes(parts.get(TCA_ACT_STATS, b""))
        _, packets = struct.unpack_from("=QI", stats.get(TCA_STATS_BASIC, b"").ljust(12, b"\0"))
        dropped = struct.unpack_from("=5I", stats.get(TCA_STATS_QUEUE, b"").ljust(20, b"\0"))[2]
        yield _verb(kind, attributes(parts.get(TCA_ACT_OPTIONS, b""))), packets, dropped


def _verb(kind: str, options: Mapping[int, bytes]) -> str:
    parameters = options.get(PARMS.get(kind, 0), b"")
    if len(parameters) < 12:
        return kind
    verdict = VERDICTS.get(struct.unpack_from("=IIi", parameters)[2], "")
    return verdict if kind == "gact" else f"{kind} {verdict}".strip()
