"""`port-proxy-backend`: a forwarder accepts, and is refused itself where it passes the connection on to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.behind import behind
from loopdiag.explain.evidence import known
from loopdiag.explain.listeners.serving import serving
from loopdiag.explain.service.parts import (
    ended_silently,
    exchanges,
    first_of_each,
    forwarder,
    heard,
    listener,
    said,
    status,
)
from loopdiag.explain.service.parts import server as server_of
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix
from loopdiag.model.observation import Outcome
from loopdiag.model.service import HttpExchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.service import BackendAttempt, Said

WEB_SERVERS = frozenset({"nginx", "caddy"})  # they pass on what their configuration says, and serve the rest
GATEWAY = (502, 503, 504)  # RFC 9110, 15.6: what a gateway answers where the server behind it does not serve


def port_proxy_backend(case: Case) -> Iterator[Finding]:
    """The connection ended without a word, or with a gateway's error, or hangs, and the process behind is known to
    pass connections on, or was seen to be refused by another one meanwhile."""
    for one in first_of_each([*_cut(case), *_gateway_errors(case)]):
        attempts = known(case.facts.backends) or ()
        mine = [each for each in attempts if _is_of(each, case, one)]
        if any(each.outcome == "connected" for each in mine) and not any(_failed(each) for each in mine):
            continue  # it was served from behind: what it does then is its own affair
        lost = next((each for each in mine if _failed(each)), None)
        name = forwarder(case, one)
        if lost:
            yield _seen_failing(case, one, lost)
        elif name and one.outcome is not Outcome.TIMED_OUT and not _ended_it_itself(case, one, name):
            yield _known_forwarder(case, one, name)


def _cut(case: Case) -> list[Said]:
    return [one for one in said(case) if ended_silently(one) or (one.outcome is Outcome.TIMED_OUT and not one.received)]


def _ended_it_itself(case: Case, one: Said, name: str) -> bool:
    """A web server was seen to open no connection: it is told to end some without a word (444 of nginx)."""
    return name in WEB_SERVERS and ended_silently(one) and known(case.facts.backends) == ()


def _gateway_errors(case: Case) -> list[Said]:
    return [one for one in exchanges(case) if one.status in GATEWAY]


def _failed(attempt: BackendAttempt) -> bool:
    return attempt.outcome in ("refused", "pending")


def _is_of(attempt: BackendAttempt, case: Case, one: Said) -> bool:
    """By the process's name: the tracer numbers processes as the machine does, which may not be as we do."""
    names = {each.process.name for each in serving(case, one) if each.process}
    return attempt.process is None or not names or attempt.process in names


def _seen_failing(case: Case, one: Said, lost: BackendAttempt) -> Finding:
    there = f" to {lost.to}" if lost.to else ""
    refuses = behind(case, lost.to) if lost.outcome == "refused" else None
    how = "is refused there" if lost.outcome == "refused" else "gets no answer there"
    served = {each.process.name for each in serving(case, one) if each.process}
    # A gateway's error may also come from a program that needs the other service for something else.
    sure = lost.process in served and (one not in _gateway_errors(case) or forwarder(case, one) is not None)
    return Finding(
        cause="port-proxy-backend",
        certainty=Certainty.PROVEN if sure else Certainty.LIKELY,
        subject=one.to,
        statement=f"{server_of(case, one)} accepts on {one.to}, opens a connection{there} of its own for each one that "
        f"it accepts, and {how}: {refuses.says if refuses else 'what it forwards to is not served'}",
        evidence=(heard(one), Evidence(f"connect by {lost.process or 'another process'}{there}", lost.says),
                  *(refuses.evidence if refuses else ()), *listener(case, one)),
        fixes=(
            refuses.fix if refuses else _start(lost),
            Fix("correct where the forwarder passes connections on to"),
        ),
    )  # fmt: skip


def _start(lost: BackendAttempt) -> Fix:
    if not lost.to:
        return Fix("start the service behind it")
    return Fix(f"start what should listen on {lost.to}", f"loopdiag why {lost.to}")


def _known_forwarder(case: Case, one: Said, name: str) -> Finding:
    return Finding(
        cause="port-proxy-backend",
        certainty=Certainty.LIKELY,
        subject=one.to,
        statement=f"{server_of(case, one)} accepts on {one.to} and {_answer(one)}: {name} passes connections on, and "
        f"what it passes them on to seems not to serve",
        evidence=(heard(one), *listener(case, one)),
        fixes=(
            Fix("see whether the service behind it runs, and listens on the port and address that it is forwarded to"),
            Fix("within a container, let the service listen on 0.0.0.0, not on 127.0.0.1"),
        ),
    )


def _answer(one: Said) -> str:
    if isinstance(one, HttpExchange) and one.status:
        return f"answers {status(one)}"
    return "gives nothing back"
