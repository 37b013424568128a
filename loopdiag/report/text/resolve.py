"""The page of `resolve`: addresses with their sources, where the answer differs, and who was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.unknown import Unknown
from loopdiag.report.style import harmless, milliseconds, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.names import Answer, NameFacts, Source
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

_FAMILIES = {"ipv4": "IPv4", "ipv6": "IPv6"}


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """The lines above the verdict."""
    answers, names = report.facts.answers, report.facts.names
    if answers and not isinstance(answers, Unknown):
        yield _table(answers, style)
    elif names and not isinstance(names, Unknown):
        took = f" after {milliseconds(names.seconds)}"
        yield style("bad", f"{names.name}: {names.errno or 'no address'}{took}")
    if names and not isinstance(names, Unknown):
        for label, text in _details(names, answers if isinstance(answers, tuple) else (), layout):
            yield paragraph(f"{label:<14}{harmless(text)}", layout.width, "").replace("\n", "\n" + " " * 14)


def _table(answers: Sequence[Answer], style: Style) -> str:
    from tabulate import tabulate

    rows = [
        [number, style("name", answer.address), _FAMILIES[answer.family], _from(answer.source)]
        for number, answer in enumerate(answers, 1)
    ]
    return tabulate(rows, headers=["", "address", "family", "from"], tablefmt="plain", disable_numparse=True)


def _from(source: Source | None) -> str:
    if source is None:
        return "a source that did not own up"
    if source.service == "numeric":
        return "typed as a number"
    if source.file:
        return harmless(f"{source.file} line {source.line}")
    if source.service == "dns":
        return harmless(f"dns, name server {source.server or 'unknown'}")
    return harmless(f"{source.service}, a service of nsswitch.conf")


def _details(names: NameFacts, answers: Sequence[Answer], layout: Layout) -> Iterator[tuple[str, str]]:
    yield from _differences(names, answers, layout)
    if isinstance(names.services, tuple):
        where = f"nsswitch.conf line {names.services_line}" if names.services_line else "the C library's default"
        yield "asked", f"{' '.join(names.services) or 'no service'} ({where})"
    if _dns_was_asked(names, answers):
        yield "name server", _server(names)
    for service, addresses in names.by_service.items() if layout.verbose else ():
        yield f"{service} alone", ", ".join(addresses) or "nothing"
    if names.gai_conf and (layout.verbose or len(answers) > 1):
        yield "order", f"changed by gai.conf: {'; '.join(names.gai_conf)}"
    if isinstance(names.hosts, tuple):
        for line in names.hosts:
            if line.fault and (layout.verbose or not line.commented):
                yield "skipped", f"{line.file} line {line.line}, '{line.text}': {line.fault}"


def _differences(names: NameFacts, answers: Sequence[Answer], layout: Layout) -> Iterator[tuple[str, str]]:
    """IPv4 alone, IPv6 alone, AI_ADDRCONFIG: each where it gives something else, all of them with -v."""
    whole = [answer.address for answer in answers]
    for family, outcome in names.by_family.items():
        expected = tuple(answer.address for answer in answers if answer.family == family)
        if layout.verbose or (outcome != expected and (expected or isinstance(outcome, tuple))):
            yield f"{_FAMILIES[family]} alone", _said(outcome)
    limited = names.configured_only
    parts = [] if limited is None else [_said(limited)]
    differs = limited not in (None, tuple(whole))
    for family, outcome in names.configured_by_family.items():
        if outcome != names.by_family.get(family):
            differs = True
            parts.append(f"{_FAMILIES[family]} alone: {_said(outcome)}")
    if parts and whole and (differs or layout.verbose):
        yield "AI_ADDRCONFIG", "; ".join(parts)


def _said(outcome: tuple[str, ...] | str) -> str:
    return outcome if isinstance(outcome, str) else ", ".join(outcome)


def _dns_was_asked(names: NameFacts, answers: Sequence[Answer]) -> bool:
    by_dns = any(answer.source and answer.source.service == "dns" for answer in answers)
    return by_dns or bool(names.datagrams and isinstance(names.services, tuple) and "dns" in names.services)


def _server(names: NameFacts) -> str:
    servers = ", ".join(names.servers) if isinstance(names.servers, tuple) else "unknown"
    named = "resolv.conf" if names.servers_named else "the default: resolv.conf names none"
    left = "" if names.datagrams is None else f"; {names.datagrams} UDP datagrams were sent from here meanwhile"
    return f"{servers} ({named}){left}"
