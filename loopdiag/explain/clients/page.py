"""docs/clients.md: the policies as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.clients.no_proxy import honoured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.explain.clients.policy import Policy, ProxyPolicy

_LEAD = """# Who gets through: the clients that people use

Whether a listener on `localhost` can be reached depends on the client: which addresses it takes the name for, in which
order it tries them, whether it stops at the first, and whether a proxy variable gets hold of the request.

```console
$ loopdiag why localhost:3000 --clients             # how each would fare against what listens here
$ loopdiag why localhost:3000 --client node --verify   # the real one too, if it is installed: one request (HEAD)
$ loopdiag resolve localhost --clients              # addresses and their order alone
```

Each address that any client would try is tried for real; the rest is predicted from the tables below and from what the
resolver of this host gives. `--verify` runs those that are installed, of whatever version a row is about, and shows
what each did beside its prediction: curl, Chromium or Chrome, Firefox, Node.js (also as `nodejs`, `node-18` and the
like), Python, Go (the `go` command itself, as a Go program), Java, Ruby, PHP, BusyBox, .NET, psql and mysql. Each makes
one request; one that has not ended after 4 seconds is stopped (mysql after 8, Java after 10, Chromium after 15; Firefox
and .NET 4 seconds after they were asked).

The browsers run headless with an empty profile of their own, which is deleted afterwards, also where loopdiag is
killed. They fetch nothing that the page asks for, look up no other name, and are left alone where a proxy variable is
set, since Chromium would use that for more, and Firefox is kept from all else by a proxy of its own that is not there.
Root runs Chromium without its sandbox, as it would not start otherwise. Firefox is asked over a UNIX socket in its
profile, and nothing is asked of it where an administrator's policy locks one of the settings that keep it to the one
request. For the lock of its profile it looks up the host's own name: that asks a name server where this name has a dot
and is neither in the hosts file nor known to another source before DNS.

For .NET a small program is made on the spot, by the compiler that its SDK has beside it, and run with the newest
runtime: nothing is restored or told to anybody. With a runtime alone, or PowerShell, .NET is not run.

What a row says was seen with the versions in the column "run", by tracing their connections on hosts of many kinds:
one IP version or both, `::1` first or missing, IPv6 off; names that are missing, remapped, of the host's own addresses
or below `localhost`; silent addresses; proxies, with `NO_PROXY` in many forms. A row without such versions rests on its
sources alone, as does what a row says of others. With `--json`, the rows are under `clients`.

All of it is data: a client is added by a `[[client]]` in `loopdiag/explain/clients/policies.toml`, with the sources of
what it says. This page is made of that file by `make docs`.
"""
_RESOLVERS = {
    "getaddrinfo": "getaddrinfo", "getaddrinfo-each": "getaddrinfo for each IP version",
    "hosts-and-dns": "hosts file, then DNS",
}  # fmt: skip
_NSSWITCH = {
    "ignored": "", "minded": " as nsswitch.conf says", "or-getaddrinfo": " (getaddrinfo where nsswitch.conf has more)",
}  # fmt: skip
_WITHOUT = {
    "": "", "ipv6-address": "IPv4 alone where no interface has an IPv6 address",
    "ipv6-loopback": "IPv4 alone where ::1 cannot be bound",
    "ipv6-route": "IPv4 alone without a route to the IPv6 Internet, unless all is loopback or IPv6",
}  # fmt: skip
_ORDERS = {
    "resolver": "", "ipv4-first": "IPv4 first", "ipv6-first": "IPv6 first", "go": "ordered by RFC 6724",
    "musl": "ordered by RFC 6724",
}  # fmt: skip


def markdown(policies: Sequence[Policy]) -> str:
    """The whole page."""
    return "\n".join([_LEAD, *_table(policies), "", *_proxies(policies), "", *_sources(policies)]) + "\n"


def _table(policies: Sequence[Policy]) -> Iterator[str]:
    yield "## Addresses"
    yield ""
    yield "| client | versions | takes a name for | tries | run |"
    yield "| --- | --- | --- | --- | --- |"
    for one in policies:
        yield f"| {one.name} | {one.versions} | {_names(one)} | {_tries(one)} | {', '.join(one.ran) or 'no'} |"


def _names(one: Policy) -> str:
    fixed = f"{', '.join(f'`{name}`' for name in one.hardwired)}: always {', '.join(one.hardwired_to)}"
    own = _NSSWITCH[one.nsswitch] if one.resolver == "hosts-and-dns" else ""
    parts = (
        fixed if one.hardwired else "",
        f"UNIX socket for `{', '.join(one.unix_socket_for)}`" if one.unix_socket_for else "",
        _RESOLVERS[one.resolver] + own + (" with `AI_ADDRCONFIG`" if one.configured_only else ""),
        "of the file the first of each IP version" if one.one_of_each else "",
        "of the file only what is spelled the same" if one.exact_case else "",
        _WITHOUT[one.ipv4_only_without],
        f"`localhost` without an answer: {one.localhost_otherwise}" if one.localhost_otherwise else "",
        _ORDERS[one.order],
    )
    return "; ".join(part for part in parts if part)


def _tries(one: Policy) -> str:
    milliseconds = f"{(one.delay or 0) * 1000:.0f} ms"
    patience = f", {one.patience:g} s for each" if one.patience else ""
    return {
        "one": "the first alone",
        "sequential": f"one after the other{patience}",
        "alternating": f"one after the other, IP versions in turn, {milliseconds} for each but the last",
        "racing": f"both IP versions, the second {milliseconds} later or as the first fails",
        "racing-ipv4": "one after the other, each time the next but one as far as there is one, up to a silent one; "
        f"{milliseconds} later a second attempt with IPv4 alone, which decides",
    }[one.connects]


def _proxies(policies: Sequence[Policy]) -> Iterator[str]:
    yield "## Proxies"
    yield ""
    yield "For `http://`, in the order in which they are looked for; and what of `NO_PROXY` is read."
    yield ""
    yield "| client | variables | `NO_PROXY` |"
    yield "| --- | --- | --- |"
    for one in policies:
        variables = ", ".join(f"`{name}`" for name in one.proxy.http) or "none"
        kept = honoured(one.proxy).replace("*", r"\*") if one.proxy.http else ""
        yield f"| {one.name} | {variables} | {kept}{_oddities(one.proxy)} |"


def _oddities(proxy: ProxyPolicy) -> str:
    spaces = "; separated by commas alone" if proxy.no_proxy and proxy.separators == "," else ""
    schemes = {
        "read": "",
        "ignored": "; ignores a proxy without a scheme",
        "fails": "; fails with a proxy without one",
    }
    broken = "".join(f"; fails with `{entry}` in it" for entry in proxy.breaks_on)
    hidden = "; an empty variable hides the next" if proxy.empty_hides else ""
    return f"{spaces}{broken}{schemes[proxy.schemeless]}{hidden}"


def _sources(policies: Sequence[Policy]) -> Iterator[str]:
    yield "## Sources"
    for one in policies:
        yield ""
        yield f"{one.name} ({'run: ' + ', '.join(one.ran) if one.ran else 'not run'}):"
        yield ""
        yield from (f"- {source}" for source in one.sources)
