"""The page of `listeners`: a table for each reach, in words, and for each namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.address import endpoint
from loopdiag.model.unknown import Unknown
from loopdiag.report.columns import in_columns
from loopdiag.report.style import harmless, milliseconds, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.observation import Observation
    from loopdiag.model.report import Report
    from loopdiag.model.socket import Socket, UnixSocket
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

_ROLES = {"network": "warn", "host": "good", "none": "bad"}
_ORDER = {"network": 0, "host": 1, "none": 2, None: 3}
_FAMILIES = {("ipv4",): "IPv4", ("ipv6",): "IPv6", ("ipv4", "ipv6"): "both"}


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """The lines above the verdict."""
    found = report.facts.listeners
    if isinstance(found, tuple):
        for number, (title, role, group) in enumerate(_groups(found)):
            if number:
                yield ""
            yield from (style(role, line) for line in paragraph(title, layout.width).splitlines())
            yield _table(_columns(group), layout)
    local = report.extra.get("unix_listeners")
    if local:
        yield ""
        yield style("dim", "UNIX sockets")
        yield _table(list(zip(*map(_unix, local), strict=True)), layout)
    if report.observations:
        yield ""
        yield from _tried(report.observations, style)


def _groups(found: Sequence[Socket]) -> Iterator[tuple[str, str, list[Socket]]]:
    """This host's first; what others can reach first."""
    groups: dict[tuple[str, int, str, str], list[Socket]] = {}
    place: dict[tuple[str | None, str | None, str | None, str], list[Socket]] = {}  # so that each is worked out once
    for one in found:
        seen = (one.namespace, one.reach, one.reach_says, one.address)
        if seen not in place:
            says = (one.reach_says or "reach not known").replace(one.address, "its own address")
            key = (one.namespace or "", _ORDER.get(one.reach, 3), says, one.reach or "")
            place[seen] = groups.setdefault(key, [])
        place[seen].append(one)
    for key in sorted(groups):
        namespace, _, says, reach = key
        space = namespace if namespace.startswith("the ") else f"network namespace {namespace}"
        yield f"{says}, in {space}" if namespace else says, _ROLES.get(reach, "dim"), groups[key]


def _columns(group: Sequence[Socket]) -> list[Sequence[str]]:
    """By columns, and what many rows have in common is said once: four times as fast as row by row."""
    held_by = [(id(one.owners), one.uid) for one in group]
    holders = dict(zip(held_by, group, strict=True))
    process = {by: _process(one) for by, one in holders.items()}
    origin = {by: _origin(one) for by, one in holders.items()}
    alone = {by: harmless(", ".join(words)) for by, words in origin.items()}
    hosts = {address: endpoint(address, 0).removesuffix(":0") for address in {one.address for one in group}}
    waiting = [(one.state, one.queue, one.queue_limit) for one in group]
    queues = {each: _queue(*each) for each in set(waiting)}
    return [
        [one.protocol for one in group],
        [f"{hosts[one.address]}:{one.port}" for one in group],
        ["both?" if one.incomplete and one.address == "::" else _FAMILIES.get(one.families, "-") for one in group],
        [process[by] for by in held_by],
        list(map(queues.__getitem__, waiting)),
        [
            _more(one, origin[by]) if one.device or one.reuseport or one.address == "::" else alone[by]
            for one, by in zip(group, held_by, strict=True)
        ],
    ]


def _process(one: Socket | UnixSocket) -> str:
    if isinstance(one.owners, Unknown) or not one.owners:
        uid = getattr(one, "uid", None)
        return "?" if uid is None else f"? (uid {uid})"
    first = one.owners[0]
    more = f" +{len(one.owners) - 1}" if len(one.owners) > 1 else ""
    return harmless(f"{first.name} {first.pid} {first.user or first.uid or ''}".strip() + more)


def _queue(state: str, length: int, limit: int | None) -> str:
    return f"{length}/{'?' if limit is None else limit}" if state == "LISTEN" else ""


def _more(one: Socket, origin: list[str]) -> str:
    """Options that matter, and the unit or parent of the process where that says more than its name."""
    words = []
    if one.address == "::" and one.families == ("ipv6",):
        words.append("V6ONLY")
    if one.device:
        words.append(f"on {one.device}")
    if one.reuseport:
        words.append("REUSEPORT")
    return harmless(", ".join(words + origin))


def _origin(one: Socket) -> list[str]:
    process = one.process
    if process is None:
        return []
    unit = process.unit
    if unit and unit not in (process.name, f"{process.name}.service") and not unit.startswith("session-"):
        return [unit]
    if process.parent_name and process.parent not in (0, 1, None) and process.parent_name != process.name:
        return [f"by {process.parent_name}"]
    return []


def _unix(one: UnixSocket) -> tuple[str, ...]:
    return (one.type, harmless(one.path), "", _process(one), f"{one.queue}/{one.queue_limit}", "")


def _table(columns: Sequence[Sequence[str]], layout: Layout) -> str:
    """What the last column holds stands below the rest where it does not fit beside it."""
    return "\n".join(_lines(in_columns(columns[:-1]), columns[-1], layout.width))


def _lines(lines: Sequence[str], more: Sequence[str], width: int) -> Iterator[str]:
    for line, extra in zip(lines, more, strict=True):
        if not extra or len(line) + len(extra) + 4 <= width:
            yield f"  {line}  {extra}".rstrip()
        else:
            yield f"  {line.rstrip()}"
            yield f"       {extra}"


def _tried(seen: Sequence[Observation], style: Style) -> Iterator[str]:
    yield style("dim", "tried")
    rows = [
        [style("name", one.to), style("good" if one.outcome.good else "dim", one.outcome.value),
         milliseconds(one.seconds), style("dim", one.errno or "")]
        for one in seen
    ]  # fmt: skip
    yield from (line.rstrip() for line in in_columns(zip(*rows, strict=True)))
