"""`http-error`, `host-header-rejected`, `port-taken-by-system` as HTTP tells it: RFC 9110, section 15."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.service.parts import ended_silently, exchanges, heard, listener, server, status
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix
from loopdiag.model.observation import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.service import HttpExchange

_REJECTED = ("invalid host", "blocked host", "blocked request", "allowed_hosts", "allowedhosts", "disallowedhost",
             "bad host", "host not allowed", "unknown host", "misdirected request")  # fmt: skip
_ADVICE = {
    400: "see what the service does not understand of the request: its log tells",
    401: "send the credentials that the service asks for",
    403: "see in the service's configuration whom it serves",
    404: "ask for a path that the service has",
    405: "the path is there, and not for GET: ask as its clients do",
    500: "read the service's own log: it failed while it served the request",
    502: "see whether the service behind this gateway runs",
    503: "see in the service's log what it is waiting for",
    504: "see why the service behind this gateway does not answer",
}


def host_header_rejected(case: Case) -> Iterator[Finding]:
    """The same request is served with another Host header, or the answer says that the Host is not wanted."""
    for one in exchanges(case):
        if one.status is None and not ended_silently(one):
            continue
        if one.status is not None and one.status < 400:
            continue
        other = next((each for each in exchanges(case) if _served_instead(one, each)), None)
        if other or _says_so(one):
            yield _rejected(case, one, other)


def _served_instead(one: HttpExchange, other: HttpExchange) -> bool:
    return other.to == one.to and other.host != one.host and other.status is not None and other.status < 400


def _says_so(one: HttpExchange) -> bool:
    text = f"{one.reason or ''} {one.text or ''}".lower()
    return one.status in (400, 403, 421) and any(words in text for words in _REJECTED)


def _rejected(case: Case, one: HttpExchange, other: HttpExchange | None) -> Finding:
    instead = (
        f", and {'' if one.status else 'answers '}{status(other)} with Host {other.host}"
        if other
        else ", and says that it does not serve that host"
    )
    target = case.target
    ask = Fix(f"ask with the Host header {other.host}",
              f"curl -H 'Host: {other.host}' {target.scheme}://{one.to}{one.path}") if other else None  # fmt: skip
    allow = Fix(
        f"add '{_name(one.host)}' to the hosts that the service allows (allowedHosts, ALLOWED_HOSTS, server_name)"
    )
    return Finding(
        cause="host-header-rejected",
        certainty=Certainty.PROVEN if other else Certainty.LIKELY,
        subject=one.to,
        statement=f"{server(case, one)} {_does(one)} the Host header {one.host}{instead}",
        evidence=(heard(one), *([heard(other)] if other else _text(one)), *listener(case, one)),
        fixes=(allow, ask) if ask else (allow,),
    )


def _does(one: HttpExchange) -> str:
    if one.status is not None:
        return f"answers {status(one)} to"
    return f"{'resets' if one.outcome is Outcome.RESET else 'closes'} connections on which a request has"


def _name(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdigit() else host


def http_error(case: Case) -> Iterator[Finding]:
    """A status of 400 or above; told once for each status, however many addresses gave it."""
    by_status: dict[int, list[HttpExchange]] = {}
    for one in exchanges(case):
        if one.status is not None and one.status >= 400:
            by_status.setdefault(one.status, []).append(one)
    for code, found in by_status.items():
        one = found[0]
        words = f", and says '{one.text}'" if one.text else ""
        where = " and ".join(dict.fromkeys(each.to for each in found))
        yield Finding(
            cause="http-error",
            subject=one.to,
            statement=f"{server(case, one)} on {where} answers GET {one.path} with {status(one)}{words}",
            evidence=(*map(heard, found), *listener(case, one)),
            fixes=(Fix(_ADVICE.get(code, _ADVICE[500] if code >= 500 else _ADVICE[400])),),
        )


def _text(one: HttpExchange) -> tuple[Evidence, ...]:
    return (Evidence("body of the answer", f"'{one.text}'"),) if one.text else ()


def airplay(case: Case) -> Iterator[Finding]:
    """The AirPlay Receiver of macOS, which has ports 5000 and 7000, calls itself AirTunes."""
    for one in exchanges(case):
        name = one.header("server") or ""
        if name.startswith("AirTunes"):
            yield Finding(
                cause="port-taken-by-system",
                subject=one.to,
                statement=f"{one.to} is answered by the AirPlay Receiver of macOS ({name}), not by a server of yours",
                evidence=(heard(one), Evidence("header Server", name), *listener(case, one)),
                fixes=(
                    Fix("let your server have another port"),
                    Fix("switch AirPlay Receiver off in System Settings, General, AirDrop & Handoff"),
                ),
            )
