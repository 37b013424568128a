"""docs/clients.md: the policies as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.clients.no_proxy import honoured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.explain.clients.policy import Policy

_LEAD = """# Who gets through: the clients that people use

Whether a listener on `localhost` can be reached depends on the client: which addresses it takes the name for, in which
order it tries them, whether it stops at the first, and whether a proxy variable gets hold of the request.

```console
$ loopdiag why localhost:3000 --clients             # how each would fare against what listens here
$ loopdiag why localhost:3000 --client node --verify   # the real one too, if it is installed: one request (HEAD)
$ loopdiag resolve localhost --clients              # addresses and their order alone
```

Each address that any client would try is tried for real; the rest is predicted from the table below and from what the
resolver of this host gives. `--verify` runs curl, Node.js, Python, Java, Ruby, PHP, BusyBox and psql
where they are installed and shows what each did beside its prediction; a client that has not ended after 4 seconds is
stopped. The predictions for these are tested on hosts of many kinds; the other rows rest on their sources alone, as
does a version that is not the one installed. With `--json`, the rows are under `clients`.

All of it is data: a client is added by a `[[client]]` in `loopdiag/explain/clients/policies.toml`, with the sources of
what it says. This page is made of that file by `make docs`.
"""
_RESOLVERS = {"getaddrinfo": "getaddrinfo", "hosts-and-dns": "hosts file, then DNS"}
_ORDERS = {
    "resolver": "", "ipv4-first": "IPv4 first", "ipv6-first": "IPv6 first", "rfc6724": "ordered by RFC 6724"
}  # fmt: skip


def markdown(policies: Sequence[Policy]) -> str:
    """The whole page."""
    return "\n".join([_LEAD, *_table(policies), "", *_proxies(policies), "", *_sources(policies)]) + "\n"


def _table(policies: Sequence[Policy]) -> Iterator[str]:
    yield "## Addresses"
    yield ""
    yield "| client | versions | takes a name for | tries |"
    yield "| --- | --- | --- | --- |"
    for one in policies:
        yield f"| {one.name} | {one.versions} | {_names(one)} | {_tries(one)} |"


def _names(one: Policy) -> str:
    fixed = f"{', '.join(f'`{name}`' for name in one.hardwired)}: always {', '.join(one.hardwired_to)}"
    without = {"": "", "ipv6-address": "IPv4 alone where no interface has an IPv6 address",
               "ipv6-loopback": "IPv4 alone where ::1 cannot be bound"}[one.ipv4_only_without]  # fmt: skip
    parts = (
        fixed if one.hardwired else "",
        f"UNIX socket for `{', '.join(one.unix_socket_for)}`" if one.unix_socket_for else "",
        _RESOLVERS[one.resolver] + (" with `AI_ADDRCONFIG`" if one.configured_only else ""),
        without,
        f"`localhost` without an answer: {one.localhost_otherwise}" if one.localhost_otherwise else "",
        _ORDERS[one.order],
    )
    return "; ".join(part for part in parts if part)


def _tries(one: Policy) -> str:
    milliseconds = f"{(one.delay or 0) * 1000:.0f} ms"
    patience = f", {one.delay:g} s for each" if one.delay and one.connects == "sequential" else ""
    return {
        "one": "the first alone",
        "sequential": f"one after the other{patience}",
        "alternating": f"one after the other, IP versions in turn, {milliseconds} for each but the last",
        "racing": f"both IP versions, the second {milliseconds} later or as the first fails",
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
        broken = "".join(f"; fails with `{entry}` in it" for entry in one.proxy.breaks_on)
        yield f"| {one.name} | {variables} | {kept}{broken} |"


def _sources(policies: Sequence[Policy]) -> Iterator[str]:
    yield "## Sources"
    for one in policies:
        yield ""
        yield f"{one.name}:"
        yield ""
        yield from (f"- {source}" for source in one.sources)
