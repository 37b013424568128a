"""Why it works, in a sentence: for the case in which no finding has to say why it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.model.observation import UnixConnect

if TYPE_CHECKING:
    from loopdiag.model.case import Case


def why_it_works(case: Case) -> str:
    """`localhost:3000 answers on 127.0.0.1 and ::1: node (pid 4242) listens on [::]:3000`."""
    target = case.target
    if target.transport == "icmp":
        from loopdiag.explain.icmp.story import explanation, summary

        return f"{summary(case)}. {explanation(case)}".strip()
    worked = list(dict.fromkeys(one.address for one in case.worked))
    spoken = _no_answer(case)
    if spoken:
        return f"{target} accepts connections{_who(case)}; {spoken}"
    if not worked:
        return _what_failed(case)
    where = "" if worked == [target.host] or target.host is None else f" on {' and '.join(worked)}"
    return f"{target} answers{where}{_who(case)}"


def _no_answer(case: Case) -> str | None:
    """What the service said that is no answer to what it was asked."""
    if not any(one.kind in ("http", "tls", "greeting") for one in case.failed):
        return None
    from loopdiag.model.service import Said, TlsHandshake

    said = next((one for one in case.failed if isinstance(one, Said) and one.received), None)
    if said is None:
        return None
    if isinstance(said, TlsHandshake) and (said.alert or said.detail):
        return f"but the TLS handshake fails: {said.detail or said.alert}"
    from loopdiag.explain.service.languages import language

    spoken = language(said.first)
    words = f"'{said.text}'" if said.text else _bytes(said.received)
    if said.sent and spoken:
        return f"{said.sent} got no answer to it: the service speaks {spoken} ({words})"
    return f"{said.sent} got what is no answer: {words}" if said.sent else f"but says that it does not serve: {words}"


def _bytes(count: int) -> str:
    return "one byte" if count == 1 else f"{count} bytes that are no text"


def _who(case: Case) -> str:
    """Who listens, or where a nat rule leads past whoever does."""
    ends = _translated(case)
    if ends:
        return f": a nat rule leads to {' and '.join(ends)}"
    if not known(case.facts.listeners):
        return ""
    from loopdiag.explain.listeners.serving import serving

    listening = [one for seen in case.worked for one in serving(case, seen)]
    named = [f"{one.process} listens on {one.local}" for one in listening if one.process]
    return f": {', '.join(dict.fromkeys(named))}" if named else ""


def _translated(case: Case) -> list[str]:
    worked = {one.label for one in case.worked}
    paths = [path for path in case.facts.filter_paths or () if path.of in worked and path.rewritten]
    if not paths:
        return []
    from loopdiag.explain.filtering.attempts import moves

    return list(dict.fromkeys(step.detail for step in map(moves, paths) if step))


def _what_failed(case: Case) -> str:
    if not case.observations:
        return f"{case.target.host} gives no address, so nothing could be tried"
    said = ", ".join(f"{one.to} {one.errno or one.outcome.value}" for one in case.failed[:4])
    if case.target.transport == "unix":
        from loopdiag.explain.listeners.unix_target import why_denied

        denied = why_denied(case.failed[0]) if isinstance(case.failed[0], UnixConnect) else None
        if denied:
            return f"{case.target} does not answer ({said}): {denied}"
    return f"{case.target} does not answer ({said}), and nothing that could be read on this host says why"
