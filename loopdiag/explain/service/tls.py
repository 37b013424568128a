"""`tls-expected`, `plaintext-expected`, `certificate-rejected`: which language is spoken, and whether it is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.service.parts import exchanges, handshakes, heard, listener, server
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix
from loopdiag.model.observation import Outcome
from loopdiag.model.service import Greeting, HttpExchange, is_tls_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.service import Certificate, Said, TlsHandshake

_SECURE = {"http": "https", "ws": "wss", "redis": "rediss"}
_PLAIN = {"https": "http", "wss": "ws", "tls": "tcp"}


def tls_expected(case: Case) -> Iterator[Finding]:
    """Plaintext got no answer in its own language, and a TLS handshake on the same socket address did."""
    for shaken in handshakes(case):
        plain = next((one for one in _plaintext(case) if one.to == shaken.to and not _understood(one)), None)
        if plain and shaken.is_tls:
            yield Finding(
                cause="tls-expected",
                certainty=Certainty.PROVEN if shaken.version or shaken.alert else Certainty.LIKELY,
                subject=shaken.to,
                statement=f"{server(case, plain)} speaks TLS on {shaken.to}, and was spoken to in plaintext "
                f"({plain.sent or 'nothing sent'}){_met_with(plain)}",
                evidence=(heard(plain), _shaken(shaken), *listener(case, plain)),
                fixes=_use(case, _SECURE.get(case.target.scheme)),
            )


def answered_in_tls(case: Case) -> Iterator[Finding]:
    """Plaintext was answered with a TLS alert, whatever became of a handshake."""
    shaken = {one.to for one in handshakes(case) if one.is_tls}
    for plain in _plaintext(case):
        if is_tls_answer(plain.first) and plain.to not in shaken:
            yield Finding(
                cause="tls-expected",
                subject=plain.to,
                statement=f"{server(case, plain)} speaks TLS on {plain.to}, and was spoken to in plaintext "
                f"({plain.sent or 'nothing sent'}){_met_with(plain)}",
                evidence=(heard(plain), *listener(case, plain)),
                fixes=_use(case, _SECURE.get(case.target.scheme)),
            )


def name_not_served(case: Case) -> Iterator[Finding]:
    """The handshake was refused for the server name that was asked for (SNI), and comes about with another."""
    for shaken in handshakes(case):
        other = next((one for one in handshakes(case) if _serves_instead(shaken, one)), None)
        if not (other or shaken.alert == "unrecognized name"):
            continue
        instead = f", and serves {other.server_name}" if other else ""
        yield Finding(
            cause="host-header-rejected",
            certainty=Certainty.PROVEN if shaken.alert == "unrecognized name" else Certainty.LIKELY,
            subject=shaken.to,
            statement=f"{server(case, shaken)} on {shaken.to} refuses TLS to who asks for the server name "
            f"{shaken.server_name} (alert: {shaken.alert}){instead}",
            evidence=(Evidence(shaken.label, f"TLS alert: {shaken.alert}"), *([heard(other)] if other else ()),
                      *listener(case, shaken)),
            fixes=(
                Fix(f"ask by a name that it serves{f', such as {other.server_name}' if other else ''}"),
                Fix(f"add {shaken.server_name} to the names that the service has a certificate for (server_name, SNI)"),
            ),
        )  # fmt: skip


def _serves_instead(shaken: TlsHandshake, other: TlsHandshake) -> bool:
    """The one was refused by an alert, the other, with another server name, was not."""
    alike = other.to == shaken.to and other.server_name != shaken.server_name
    return alike and shaken.alert is not None and other.version is not None


def _plaintext(case: Case) -> Iterator[Said]:
    for one in case.observations:
        if isinstance(one, HttpExchange | Greeting) and not one.secure:
            yield one


def _understood(one: Said) -> bool:
    """It answered as one who speaks plaintext does; a 400 that asks for TLS does not count (the probe looked)."""
    if isinstance(one, HttpExchange):
        return one.status is not None and one.status != 400
    return bool(one.received) and not is_tls_answer(one.first)


def _met_with(one: Said) -> str:
    if is_tls_answer(one.first):
        return ", which it answered with a TLS alert"
    if isinstance(one, HttpExchange) and one.status:
        return f", which it answered with {one.status} and '{one.text}'"
    ends = {Outcome.CLOSED: ", which it closed on", Outcome.RESET: ", which it reset the connection on"}
    return ends.get(one.outcome, "")


def _shaken(one: TlsHandshake) -> Evidence:
    return heard(one) if one.version else Evidence(one.label, f"a TLS alert: {one.alert or 'of its own'}")


def _use(case: Case, scheme: str | None) -> tuple[Fix, ...]:
    target = case.target
    if not scheme or not target.host:
        return (Fix("speak TLS to it"),)
    url = f"{scheme}://{target}{target.path or ''}"
    return (Fix(f"use {url}", f"loopdiag why {url}" if scheme != "rediss" else None),)


def plaintext_expected(case: Case) -> Iterator[Finding]:
    """TLS was not answered in TLS; what the service speaks instead was heard."""
    for shaken in handshakes(case):
        if shaken.is_tls or case.target.scheme not in _PLAIN:
            continue
        plain = next((one for one in exchanges(case) if one.to == shaken.to and not one.secure), None)
        if not plain and not shaken.received:
            continue
        yield Finding(
            cause="plaintext-expected",
            certainty=Certainty.PROVEN if plain or shaken.text else Certainty.LIKELY,
            subject=shaken.to,
            statement=f"{server(case, shaken)} speaks plaintext on {shaken.to}, and was spoken to in TLS"
            + (", while it answers plain HTTP there" if plain else ", which it did not answer in TLS"),
            evidence=(heard(shaken), *([heard(plain)] if plain else []), *listener(case, shaken)),
            fixes=(*_use(case, _PLAIN[case.target.scheme]), Fix("let the service speak TLS, with a certificate")),
        )


def certificate_rejected(case: Case) -> Iterator[Finding]:
    """The system's trust does not accept the certificate; or the service does not accept the client without one."""
    for shaken in handshakes(case):
        if shaken.rejected:
            yield Finding(
                cause="certificate-rejected",
                subject=shaken.to,
                statement=f"the certificate of {server(case, shaken)} on {shaken.to} is not accepted for "
                f"{shaken.server_name}: {'; '.join(_reason(one, shaken) for one in shaken.rejected)}",
                evidence=(Evidence(shaken.label, f"certificate verify failed: {shaken.detail}"),
                          *_certificate(shaken.certificate), *listener(case, shaken)),
                fixes=tuple(_mend(one, shaken) for one in shaken.rejected),
            )  # fmt: skip
        elif shaken.verified and shaken.certificate and not shaken.certificate.names:
            yield Finding(
                cause="certificate-rejected",
                certainty=Certainty.LIKELY,
                subject=shaken.to,
                statement=f"the certificate of {server(case, shaken)} on {shaken.to} names {shaken.server_name} by its "
                "common name alone: OpenSSL and curl take that, browsers, Go and others want subjectAltName",
                evidence=(*_certificate(shaken.certificate), *listener(case, shaken)),
                fixes=(_mend("wrong-name", shaken),),
            )
        elif shaken.alert and "certificate" in shaken.alert:
            yield Finding(
                cause="certificate-rejected",
                subject=shaken.to,
                statement=f"{server(case, shaken)} on {shaken.to} wants a certificate of the client, and got none "
                f"(TLS alert: {shaken.alert})",
                evidence=(Evidence(shaken.label, f"TLS alert: {shaken.alert}"), *listener(case, shaken)),
                fixes=(Fix("give the client its certificate", f"curl --cert CERT --key KEY https://{case.target}/"),),
            )


def _reason(reason: str, one: TlsHandshake) -> str:
    found = one.certificate
    names = ", ".join(found.names[:6]) if found and found.names else "no name at all (subjectAltName is missing)"
    words = {
        "expired": f"it has expired{f' on {found.not_after}' if found else ''}",
        "not-yet-valid": f"it is not yet valid{f', but from {found.not_before} on' if found else ''}",
        "self-signed": "it is self-signed, and not among the certificates that this system trusts",
        "unknown-ca": "it was issued by an authority that this system does not know"
        + (f" ({found.issuer})" if found and found.issuer else ""),
        "wrong-name": f"it is for {names}, not for {one.server_name}",
    }
    return words.get(reason, one.detail or "OpenSSL does not accept it")


def _mend(reason: str, one: TlsHandshake) -> Fix:
    trust = Fix(
        "have the clients trust it: put its authority (or, self-signed, itself) into the system's trust store, or name "
        "it by SSL_CERT_FILE",
        f"openssl s_client -connect {one.to} -showcerts",
    )
    name = Fix(f"issue a certificate whose subjectAltName has {one.server_name}, or ask by a name that it has")
    mends = {
        "expired": Fix("renew the certificate, and let the service load it again"),
        "not-yet-valid": Fix("see whether the clock of this host is right", "date"),
        "wrong-name": name,
    }
    return mends.get(reason, trust)


def _certificate(found: Certificate | None) -> tuple[Evidence, ...]:
    if not found:
        return ()
    names = f" with the names {', '.join(found.names[:6])}" if found.names else ""
    return (
        Evidence(
            "certificate",
            f"of {found.subject}{names}, issued by {found.issuer}, valid from {found.not_before} to {found.not_after}",
        ),
    )
