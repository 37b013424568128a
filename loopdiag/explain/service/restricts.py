"""`service-restricts-peers`: the service says itself that it serves others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loopdiag.explain.service.parts import heard, listener, said, server
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix
from loopdiag.model.service import HttpExchange, Said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.observation import Observation

_WIDEN = "widen whom the service serves, or ask it from where it wants to be asked"
_ALLOW = "add this client's address to those that the service allows"
# What services say to peers that they do not serve -> what to change there. The first are words of well-known ones,
# which mean nothing else.
_KNOWN: tuple[tuple[str, str], ...] = (
    (r"^-DENIED\b.*protected mode", "set a password (requirepass), or `protected-mode no` with a bind that is private"),
    (r"no pg_hba\.conf entry", "add a line for this client's address, user and database to pg_hba.conf"),
    (r"is not allowed to connect to this (MySQL|MariaDB) server", "grant the user access from this host"),
    (r"is blocked because of many connection errors", "let the database forget them: mysqladmin flush-hosts"),
)
_WORDS: tuple[tuple[str, str], ...] = (
    (r"\b(only|just)\b.{0,60}\b(from|to|on|for|by|via)\b.{0,20}"
     r"\b(local(host)?|loopback|127\.0\.0\.1|(same|this) (machine|host))\b", _WIDEN),
    (r"\b(local(host)?|loopback|internal)\b.{0,20}\bonly\b", _WIDEN),
    (r"\bonly\b.{0,20}\b(local(host)?|loopback|internal|trusted)\b", _WIDEN),
    (r"\b(restricted|limited) to\b.{0,20}\b(local(host)?|loopback|internal|trusted|127\.0\.0\.1)\b", _WIDEN),
    (r"\bnot (in|on)\b.{0,20}\b(allow|white|access|permit)(ed)?[- ]?(list|hosts)\b", _ALLOW),
    (r"\b(access|connections?|requests?) from\b.{0,60}\b(denied|refused|rejected|forbidden|not|blocked)\b", _ALLOW),
    (r"\b(your|this|client|remote|source)('s)? (ip|host|address|client)\b.{0,60}"
     r"\b(not|isn't|denied|blocked|forbidden|refused)\b", _ALLOW),
    (r"\b(not (allowed|permitted|authorized)|denied|refused|forbidden|blocked)\b.{0,30}\b(from|for)\b.{0,20}"
     r"\b(your|this|client|remote|host|ip|address|\d+\.\d+\.\d+\.\d+|[0-9a-f]*::?[0-9a-f:]+)", _ALLOW),
)  # fmt: skip
_REFUSING = (401, 403, 407, 421, 451)
_WELCOME = re.compile(r"2\d\d[ -]|\+|\* OK|SSH-")  # SMTP and FTP, POP and Redis, IMAP, SSH: as those begin who serve


def restricts_peers(case: Case) -> Iterator[Finding]:
    """An answer that refuses this client by where it comes from."""
    for one in said(case):
        if not _may_refuse(one):
            continue
        known = _mend(one.text or "", _KNOWN)
        mend = known or _mend(one.text or "", _WORDS)
        if mend:
            yield _told(case, one, mend, Certainty.PROVEN if known else Certainty.LIKELY)


def turns_away(one: Observation) -> bool:
    """Whether its words refuse the client by where it comes from."""
    if not isinstance(one, Said) or not _may_refuse(one):
        return False
    return _mend(one.text or "", (*_KNOWN, *_WORDS)) is not None


def _may_refuse(one: Said) -> bool:
    if isinstance(one, HttpExchange):
        return one.status in _REFUSING
    return not _WELCOME.match(one.text or "")


def refuses(text: str, *, ended: bool = False) -> bool:
    """Whether a greeting is a well-known service's word that it does not serve this client.

    Where the service has `ended` the connection with it, other words that mean so are believed too.
    """
    return _mend(text, (*_KNOWN, *_WORDS) if ended else _KNOWN) is not None


def _mend(text: str, sayings: Sequence[tuple[str, str]]) -> str | None:
    return next((mend for saying, mend in sayings if re.search(saying, text, re.IGNORECASE)), None)


def _told(case: Case, one: Said, mend: str, certainty: Certainty) -> Finding:
    source = f" (asked from {one.local})" if one.local else ""
    return Finding(
        cause="service-restricts-peers",
        certainty=certainty,
        subject=one.to,
        statement=f"{server(case, one)} on {one.to} says itself that it does not serve this client{source}: "
        f"'{one.text}'",
        evidence=(heard(one), *((Evidence("client", one.local),) if one.local else ()), *listener(case, one)),
        fixes=(Fix(mend),),
    )
