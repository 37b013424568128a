"""Proxy variables that send requests for this host to a proxy."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from loopdiag.explain.evidence import seen
from loopdiag.explain.own import own_addresses
from loopdiag.model.address import endpoint
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity
from loopdiag.model.observation import Outcome
from loopdiag.model.proxy import Cover, cover, parse_proxy
from loopdiag.model.service import HttpExchange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.observation import Observation
    from loopdiag.model.proxy import Proxy

# scheme -> the variables that bear on it, in the order in which curl looks (lower case first).
_VARIABLES = {"http": ("http_proxy", "HTTP_PROXY"), "https": ("https_proxy", "HTTPS_PROXY")}
_ALL = ("all_proxy", "ALL_PROXY")
_SECURE = ("https", "wss")


def proxy_captures_loopback(case: Case) -> Iterator[Finding]:
    """An HTTP request for this host itself goes to the proxy, as far as NO_PROXY does not keep it from there."""
    variables = case.facts.proxies
    scheme = _scheme(case)
    if not variables or not scheme or not case.target.host or not _is_this_host(case):
        return
    proxy = _proxy(variables, scheme)
    covered = _covered(variables, case)
    if proxy is None or covered is Cover.ALL or _is_target(proxy, case):
        return
    attempts = [one for one in case.facts.proxy_attempts or () if one.port == proxy.port]
    dead = bool(attempts) and not any(one.outcome.good for one in attempts)
    worse = _worse(case, proxy)
    yield Finding(
        cause="proxy-captures-loopback",
        severity=_severity(case, covered, loses=dead or not attempts or worse is not None),
        certainty=Certainty.PROVEN if covered is Cover.NONE else Certainty.LIKELY,
        subject=f"{scheme}://{case.target}",
        statement=_statement(case, variables, proxy, covered, attempts, worse, dead=dead),
        evidence=(
            *_environment(variables, proxy),
            *map(seen, attempts[:2]),
            *((_through(worse),) if worse else ()),
            *map(seen, case.worked[:1]),
        ),
        fixes=_fixes(variables, case),
    )


def _scheme(case: Case) -> str | None:
    """`http` or `https` where HTTP is spoken: the target says so, or the service answered it."""
    if case.target.scheme in ("http", "ws", *_SECURE):
        return "https" if case.target.scheme in _SECURE else "http"
    answered = any(one.kind == "http" and one.outcome.good for one in case.observations)
    return "http" if answered else None


def _is_this_host(case: Case) -> bool:
    own = {one.address.address for one in own_addresses(case)}
    return any(_local(one.address, own) for one in case.observations)


def _local(address: str, own: set[str]) -> bool:
    bare = address.partition("%")[0]
    try:
        return bare in own or ip_address(bare).is_loopback or ip_address(bare).is_unspecified
    except ValueError:
        return False


def _proxy(variables: Mapping[str, str], scheme: str) -> Proxy | None:
    for name in (*_VARIABLES[scheme], *_ALL):
        if name in variables:
            return parse_proxy(name, variables[name])
    return None


def _covered(variables: Mapping[str, str], case: Case) -> Cover:
    """Programs read `no_proxy` or `NO_PROXY`: where both are set and differ, the worse one counts for some."""
    found = [variables[name] for name in ("no_proxy", "NO_PROXY") if name in variables]
    covers = [cover(value, case.target.host or "", case.target.port) for value in found]
    if not covers:
        return Cover.NONE
    return covers[0] if len(set(covers)) == 1 else Cover.SOME


def _is_target(proxy: Proxy, case: Case) -> bool:
    """It is the proxy itself that is asked for."""
    return proxy.port == case.target.port and proxy.host in (case.target.host, *(one.address for one in case.worked))


def _worse(case: Case, proxy: Proxy) -> HttpExchange | None:
    """The proxy's answer to the same request, where the server itself gave another one: another status, or none."""
    direct = {one.status for one in case.worked if isinstance(one, HttpExchange)}
    given = [one for one in case.facts.proxy_answers or () if one.port == proxy.port]
    return next((one for one in given if direct and one.status not in direct), None)


def _through(answer: HttpExchange) -> Evidence:
    status = f"HTTP {answer.status} {answer.reason or ''}".strip()
    return Evidence(
        f"the same request through {answer.to}", status if answer.status else answer.errno or answer.outcome.value
    )


def _instead(answer: HttpExchange) -> str:
    if answer.status:
        return f"which answers {_through(answer).says} in the server's place"
    if answer.outcome is Outcome.TIMED_OUT:
        return "which takes them and does not answer"
    return f"which ends the connection without an answer ({answer.errno or answer.outcome.value})"


def _severity(case: Case, covered: Cover, *, loses: bool) -> Severity:
    """An error where the request would have worked without the proxy, and does not with it."""
    return Severity.ERROR if loses and covered is Cover.NONE and case.worked else Severity.WARNING


def _statement(
    case: Case,
    variables: Mapping[str, str],
    proxy: Proxy,
    covered: Cover,
    attempts: Sequence[Observation],
    worse: HttpExchange | None,
    *,
    dead: bool,
) -> str:
    who = "clients that know only the plain forms of NO_PROXY" if covered is Cover.SOME else "curl, Python and others"
    if proxy.variable == "HTTP_PROXY" and covered is Cover.NONE:
        who = "Python, Node.js and others (curl wants http_proxy in lower case)"
    where = endpoint(proxy.host, proxy.port)
    if dead:
        end = f", where nothing answers ({attempts[0].errno or attempts[0].outcome.value})"
    elif worse:
        end = f", {_instead(worse)}"
    elif attempts:
        end = ", which answers and sees them"
    else:
        end = ", a proxy elsewhere, for which this name or address means its own host"
    no_proxy = variables.get("no_proxy", variables.get("NO_PROXY"))
    kept = "NO_PROXY is not set" if no_proxy is None else f"NO_PROXY ({no_proxy}) does not cover {case.target.host}"
    if covered is Cover.SOME:
        kept = f"NO_PROXY ({no_proxy}) covers {case.target.host} in a form that not all of them read"
    return f"{proxy.variable} makes {who} send requests for {case.target} to {where}{end}; {kept}"


def _environment(variables: Mapping[str, str], proxy: Proxy) -> Iterator[Evidence]:
    yield Evidence("environment", f"{proxy.variable}={variables[proxy.variable]}")
    named = [f"{name}={variables[name]}" for name in ("no_proxy", "NO_PROXY") if name in variables]
    yield Evidence("environment", ", ".join(named) or "neither no_proxy nor NO_PROXY is set")


def _fixes(variables: Mapping[str, str], case: Case) -> tuple[Fix, ...]:
    wanted = dict.fromkeys(["localhost", "127.0.0.1", "::1", case.target.host or "localhost"])
    old = variables.get("no_proxy", variables.get("NO_PROXY", ""))
    whole = ",".join(dict.fromkeys([*(part for part in old.replace(" ", ",").split(",") if part), *wanted]))
    return (Fix("name this host in NO_PROXY, in both spellings", f"export no_proxy={whole} NO_PROXY={whole}"),)
