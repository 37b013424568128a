"""One TLS handshake on a connection of our own, so that the very bytes of the other side are seen (RFC 8446)."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.model.observation import Outcome
from loopdiag.model.service import TlsHandshake
from loopdiag.probes.stream import EndedError, Stream, readable

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from loopdiag.model.service import Certificate

WEB = ("http/1.1",)  # the application protocol that is offered: RFC 7301
PATIENCE = 1.0  # seconds for each answer of a handshake; a plaintext server may wait in silence for the end of a line
# X509_V_ERR_* of openssl/x509_vfy.h -> the reason in our words
REASONS = {
    9: "not-yet-valid", 10: "expired", 18: "self-signed", 19: "unknown-ca", 20: "unknown-ca", 21: "unknown-ca",
    62: "wrong-name", 64: "wrong-name",
}  # fmt: skip


class Secure:
    """TLS on a connected Stream. `handshake` first; then `send` and `receive` as on the Stream."""

    def __init__(self, stream: Stream, server_name: str, *, verify: bool, alpn: Sequence[str] = WEB) -> None:
        import ssl

        self._ssl = ssl
        self.alert: str | None = None
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if alpn:
            context.set_alpn_protocols(alpn)
        if verify:
            context.load_default_certs()  # the system's trust, SSL_CERT_FILE and SSL_CERT_DIR
        else:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.tls: ssl.SSLObject = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)

    def handshake(self) -> None:
        """Raises ssl.SSLError where TLS fails, EndedError where the connection ends."""
        while True:
            try:
                self.tls.do_handshake()
            except self._ssl.SSLWantReadError:
                self._flush()
                self._incoming.write(self._stream.receive(PATIENCE))
            except self._ssl.SSLError:
                self._flush_last()  # the alert that tells the other side why
                raise
            else:
                self._flush()
                return

    def send(self, data: bytes) -> None:
        """Send all of `data` within TLS."""
        self.tls.write(data)
        self._flush()

    def receive(self, patience: float | None = None) -> bytes:
        """What comes next within TLS; raises EndedError at its end, a fatal alert is an ending too."""
        while True:
            try:
                data = self.tls.read(4096)
            except self._ssl.SSLWantReadError:
                self._incoming.write(self._stream.receive(patience))
                continue
            except self._ssl.SSLZeroReturnError:
                raise EndedError(Outcome.CLOSED) from None
            except self._ssl.SSLError as fault:
                self.alert = alert_in(fault)  # TLS 1.3 refuses a client's certificate only after the handshake
                raise EndedError(Outcome.FAILED) from None
            if not data:
                raise EndedError(Outcome.CLOSED)
            return data

    def _flush(self) -> None:
        waiting = self._outgoing.read()
        if waiting:
            self._stream.send(waiting)

    def _flush_last(self) -> None:
        with contextlib.suppress(EndedError):
            self._flush()


def shake_hands(
    stream: Stream, server_name: str, *, verify: bool, alpn: Sequence[str] = WEB
) -> tuple[TlsHandshake, Secure | None]:
    """Connect `stream` and do the handshake on it; what came of it, and the secured talk where it came about."""
    import ssl

    try:
        stream.connect()
        secure = Secure(stream, server_name, verify=verify, alpn=alpn)
        secure.handshake()
    except EndedError as end:
        return _ended(stream, server_name, end), None
    except ssl.SSLCertVerificationError as fault:
        rejected = (REASONS.get(fault.verify_code, "other"),)
        return _seen(stream, server_name, Outcome.FAILED, verified=False, rejected=rejected,
                     detail=fault.verify_message), None  # fmt: skip
    except ssl.SSLError as fault:
        return _failed(stream, server_name, fault), None
    cipher = secure.tls.cipher()
    return _seen(stream, server_name, Outcome.ACCEPTED, verified=verify or None, version=secure.tls.version(),
                 cipher=cipher[0] if cipher else None, certificate=_certificate(secure.tls)), secure  # fmt: skip


def look_closer(seen: TlsHandshake, timeout: float, alpn: Sequence[str] = WEB) -> TlsHandshake:
    """A rejected handshake with its certificate, and all reasons against it: OpenSSL stops at the first."""
    from datetime import UTC, datetime

    from loopdiag.probes.x509 import faults

    found = look_at_tls(seen.address, seen.port, seen.server_name, timeout, alpn).certificate
    more = faults(found, seen.server_name, datetime.now(UTC)) if found else ()
    return replace(seen, certificate=found, rejected=tuple(dict.fromkeys((*seen.rejected, *more))))


def look_at_tls(
    address: str, port: int | None, server_name: str, timeout: float, alpn: Sequence[str] = WEB
) -> TlsHandshake:
    """A handshake that accepts any certificate: whether TLS is spoken there, and what the certificate says."""
    with Stream(address, port, timeout) as stream:
        return shake_hands(stream, server_name, verify=False, alpn=alpn)[0]


def _certificate(tls: ssl.SSLObject) -> Certificate | None:
    from loopdiag.probes.x509 import parse_certificate

    der = tls.getpeercert(True)
    return parse_certificate(der) if der else None


def _failed(stream: Stream, server_name: str, fault: ssl.SSLError) -> TlsHandshake:
    return _seen(stream, server_name, Outcome.FAILED, alert=alert_in(fault),
                 detail=(fault.reason or "").lower().replace("_", " ") or None)  # fmt: skip


def alert_in(fault: ssl.SSLError) -> str | None:
    """The alert that the other side sent; OpenSSL names it in its reason: `TLSV1_ALERT_PROTOCOL_VERSION`.

    Those of RFC 6066 are without the word: `TLSV1_UNRECOGNIZED_NAME` (openssl/sslerr.h).
    """
    found = re.match(r"(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?(.+)", fault.reason or "")
    return found[1].lower().replace("_", " ") if found else None


def _ended(stream: Stream, server_name: str, end: EndedError) -> TlsHandshake:
    return TlsHandshake(
        address=stream.address, port=stream.port, outcome=end.outcome, errno=end.errno, seconds=stream.seconds,
        local=stream.local, sent="TLS ClientHello", received=stream.received, first=stream.first,
        server_name=server_name,
        unacknowledged=stream.unacknowledged if end.outcome is Outcome.TIMED_OUT else None,
    )  # fmt: skip


def _seen(
    stream: Stream,
    server_name: str,
    outcome: Outcome,
    *,
    verified: bool | None = None,
    version: str | None = None,
    cipher: str | None = None,
    rejected: tuple[str, ...] = (),
    detail: str | None = None,
    alert: str | None = None,
    certificate: Certificate | None = None,
) -> TlsHandshake:
    plain = stream.first[:1] not in (b"\x14", b"\x15", b"\x16", b"\x17")
    return TlsHandshake(
        address=stream.address, port=stream.port, outcome=outcome, seconds=stream.seconds, local=stream.local,
        sent="TLS ClientHello", received=stream.received, first=stream.first, server_name=server_name,
        text=readable(stream.first) if plain else None, version=version, cipher=cipher, verified=verified,
        rejected=rejected, detail=detail, alert=alert, certificate=certificate,
    )  # fmt: skip
