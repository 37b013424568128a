"""AI_ADDRCONFIG: glibc leaves out a family of which this host has no address but loopback's (getaddrinfo(3))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.names.said import addresses, asked, would_serve
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.names import NameFacts

_NOTHING = ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY", "EAI_AGAIN")
_WORDS = {"ipv4": "IPv4", "ipv6": "IPv6"}
_FIXES = (
    Fix("ask without AI_ADDRCONFIG, which many programs let be switched off"),
    Fix("or give the host an address of that family on an interface other than lo"),
)


def address_config_filter(case: Case) -> Iterator[Finding]:
    """The same question with and without the flag gives different answers."""
    names = asked(case)
    if names is None or not addresses(case):
        return
    limited = names.configured_only
    if isinstance(limited, str):
        if limited in _NOTHING and (case.command == "resolve" or names.family is None):
            yield _finding(case, names, Severity.ERROR, f"get no address for {names.name} at all ({limited})")
    elif case.command == "resolve" and limited is not None:
        hidden = [one for one in addresses(case) if one not in limited]
        families = [word for word, got in names.configured_by_family.items() if _hides(names, word, got)]
        if hidden:
            yield _finding(case, names, Severity.NOTE, f"do not get {', '.join(hidden)} for {names.name}")
        elif families:
            alone = " or for ".join(f"{_WORDS[one]} alone" for one in families)
            yield _finding(case, names, Severity.NOTE, f"for {alone} get no address for {names.name}")
    elif limited is not None and _only_hidden_served(case, limited):
        yield _finding(case, names, Severity.WARNING, f"get {', '.join(limited)} alone, which does not answer")


def _hides(names: NameFacts, family: str, got: tuple[str, ...] | str) -> bool:
    return isinstance(names.by_family.get(family), tuple) and isinstance(got, str) and got in _NOTHING


def _only_hidden_served(case: Case, limited: tuple[str, ...]) -> bool:
    served = {one.address for one in case.worked}
    tried = {one.address for one in case.observations}
    if not served or served.intersection(limited):
        return False
    return tried.issuperset(limited) or not would_serve(case, *limited)


def _finding(case: Case, names: NameFacts, severity: Severity, what: str) -> Finding:
    given = ", ".join(addresses(case))
    limited = names.configured_only
    return Finding(
        cause="address-config-filter",
        severity=severity,
        certainty=Certainty.PROVEN,
        subject=names.name,
        statement=f"programs that ask with AI_ADDRCONFIG {what}, because this host has no address of that family "
        "but loopback's",
        evidence=(
            Evidence(f"getaddrinfo {names.name}", given),
            Evidence("the same with AI_ADDRCONFIG", limited if isinstance(limited, str) else ", ".join(limited or ())),
            *(Evidence(f"with AI_ADDRCONFIG for {_WORDS[one]} alone", got if isinstance(got, str) else ", ".join(got))
              for one, got in names.configured_by_family.items() if _hides(names, one, got)),
        ),
        fixes=_FIXES,
    )  # fmt: skip
