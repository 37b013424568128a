"""The policy of one client, as policies.toml beside this file has it: the keys are described here.

A client is added by adding a `[[client]]` to that file; what is left out has the value given here.
"""

from __future__ import annotations

from dataclasses import field, fields
from typing import TYPE_CHECKING, Any

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMS = {
    "star": "* alone",
    "star-among": "* among others",
    "host": "the host itself",
    "domain": "a domain above it",
    "dot-domain": ".localhost for app.localhost",
    "leading-dot": ".localhost for localhost itself",
    "host:port": "localhost:3000",
    "address:port": "127.0.0.1:3000",
    "cidr": "127.0.0.0/8",
    "cidr-of-name": "10.0.0.0/8 for a name in it",
    "::1": "::1 for [::1]",
    "[::1]": "[::1]",
    "glob": "127.*",
}
CHOICES = {
    "speaks": ("http", "postgres", "mysql"),
    # getaddrinfo asks for both IP versions at once, getaddrinfo-each for one after the other.
    "resolver": ("getaddrinfo", "getaddrinfo-each", "hosts-and-dns"),
    # of hosts-and-dns: whether nsswitch.conf decides, and whether getaddrinfo does where it names other services
    "nsswitch": ("ignored", "minded", "or-getaddrinfo"),
    "ipv4_only_without": ("", "ipv6-address", "ipv6-loopback", "ipv6-route"),
    "order": ("resolver", "ipv4-first", "ipv6-first", "go", "musl"),
    # racing starts the other IP version after `delay`; racing-ipv4 a second attempt with IPv4 alone, and each of its
    # attempts goes on to the next but one
    "connects": ("one", "sequential", "alternating", "racing", "racing-ipv4"),
    "reports": ("first", "last"),
}
SCHEMELESS = ("read", "ignored", "fails")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyPolicy:
    """Which variables of the environment name its proxy, and what keeps a request from it."""

    http: tuple[str, ...] = ()  # in the order in which it looks
    https: tuple[str, ...] = ()
    no_proxy: tuple[str, ...] = ()
    separators: str = ","  # between the entries of NO_PROXY, space among them or not
    forms: tuple[str, ...] = ()  # of FORMS
    empty_hides: tuple[str, ...] = ()  # `proxy`, `no_proxy`: one that is set to nothing hides those after it
    schemeless: str = "read"  # of SCHEMELESS: what becomes of a proxy such as 127.0.0.1:3128
    breaks_on: tuple[str, ...] = ()  # forms of NO_PROXY with which it fails whatever it is asked for
    breaks_with: str = ""  # its message then, or for a proxy without a scheme
    never_for_loopback: bool = False  # localhost and loopback addresses are never sent to a proxy


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One client. Messages know {host}, {named}, {asked}, {port}, {address}, {endpoint}, {errno}, {number}, {error},
    {lower} (the error in small letters) and {word}.
    """

    name: str
    versions: str
    sources: tuple[str, ...]  # documentation, or file and version, of each statement here
    ran: tuple[str, ...] = ()  # versions that were run on hosts of many kinds, and did as stated
    speaks: str = "http"
    program: str = ""  # the name by which --verify runs it: loopdiag/probes/client_programs.py
    build: str = ""  # of the program, where there are several: glibc, musl; mysql, mariadb
    since: tuple[int, ...] = ()  # of what versions the program may be, to be checked by this policy
    before: tuple[int, ...] = ()
    hardwired: tuple[str, ...] = ()  # names that it answers itself: `localhost`, `*.localhost`; a dot at the end counts
    hardwired_to: tuple[str, ...] = ()
    localhost_otherwise: str = ""  # what localhost is to it where the resolver has no answer
    resolver: str = "getaddrinfo"
    nsswitch: str = "ignored"
    exact_case: bool = False  # finds a name of the hosts file only as it is spelled there
    one_of_each: bool = False  # of the hosts file's addresses, takes the first of each IP version
    configured_only: bool = False  # asks with AI_ADDRCONFIG
    ipv4_only_without: str = ""  # wants IPv4 alone where this host has no such thing
    order: str = "resolver"
    connects: str = "sequential"
    delay: float | None = None  # seconds: the head start of the first; of alternating, the wait for each but the last
    patience: float | None = None  # seconds: the longest wait for one address; None where the kernel decides
    reports: str = "last"  # of several failures
    refuses_bad_ports: str = ""  # its message for a port on the Fetch standard's list
    unix_socket_for: tuple[str, ...] = ()  # names that mean its UNIX socket
    words: Mapping[str, str] = field(default_factory=dict)  # what {word} is instead of the errno or EAI_ name
    words_offline: Mapping[str, str] = field(default_factory=dict)  # the same, where no interface but lo is up
    errors: Mapping[str, str] = field(default_factory=dict)  # what {error} is instead of the C library's text
    fails: str  # its message where no address could be connected to
    fails_alone: str = ""  # the same, where there was but one address
    fails_ipv6: str = ""  # its message for an IPv6 address where it wants IPv4 alone
    unresolved: str  # its message where the name has no address
    proxy: ProxyPolicy = field(default_factory=ProxyPolicy)


def parse_policies(text: str) -> tuple[Policy, ...]:
    """The policies of a file's text, in its order; raises ValueError for what the keys above do not allow."""
    import tomllib

    return tuple(_policy(table) for table in tomllib.loads(text)["client"])


def is_of(policy: Policy, version: tuple[int, ...] | None) -> bool:
    """Whether a program of this version is what the policy describes; of an unknown version only where all are."""
    if version is None:
        return not policy.since and not policy.before
    return policy.since <= version and (not policy.before or version < policy.before)


def _policy(table: Mapping[str, Any]) -> Policy:
    name = table.get("name", "a client without a name")
    proxy = _checked(f"{name}: proxy", table.get("proxy", {}), ProxyPolicy)
    if proxy.get("schemeless", "read") not in SCHEMELESS:
        raise ValueError(f"{name}: schemeless must be one of {', '.join(SCHEMELESS)}")
    unknown = {*proxy.get("forms", ()), *proxy.get("breaks_on", ())} - FORMS.keys()
    if unknown:
        raise ValueError(f"{name}: {', '.join(sorted(unknown))} is no form of NO_PROXY")
    policy = Policy(**_checked(name, {**table, "proxy": ProxyPolicy(**proxy)}, Policy))
    for key, choices in CHOICES.items():
        if getattr(policy, key) not in choices:
            raise ValueError(f"{name}: {key} must be one of {', '.join(choices)}")
    return policy


def _checked(name: str, table: Mapping[str, Any], kind: type) -> dict[str, Any]:
    known = {one.name for one in fields(kind)}
    if not table.keys() <= known:
        raise ValueError(f"{name}: {', '.join(sorted(table.keys() - known))} is no key of a policy")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
