"""What a service said: over HTTP, over TLS, or of its own accord."""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar

from loopdiag.model.observation import Observation, Outcome
from loopdiag.model.value import dataclass

TLS_ALERT, TLS_HANDSHAKE = 0x15, 0x16  # RFC 8446, section 5.1: the content type of a TLS record
SERVER_HELLO = 2  # RFC 8446, section 4


def is_tls_answer(data: bytes) -> bool:
    """`data` begins as a TLS server's answer does: an alert, or a ServerHello (not our own ClientHello come back)."""
    if len(data) < 2 or data[1] != 3:
        return False
    return data[0] == TLS_ALERT or (data[0] == TLS_HANDSHAKE and data[5:6] == bytes([SERVER_HELLO]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Observation):
    """What came back to `sent` (empty: nothing was sent). `received` counts bytes, `first` are the first of them.

    `text` is what people can read of it, cut and on one line. Anybody may have written it. `unacknowledged`: where it
    fell silent, the other end's kernel had not even acknowledged what was sent (None: not looked at).
    """

    sent: str = ""
    received: int = 0
    first: bytes = field(default=b"", metadata={"json": False})
    text: str | None = None
    secure: bool = False  # within TLS
    unacknowledged: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpExchange(Said):
    """One HTTP request and its answer. `host` is the Host header that was sent; header names are in lower case."""

    kind: ClassVar[str] = "http"
    method: str = "GET"
    path: str = "/"
    host: str = ""
    status: int | None = None
    reason: str | None = None
    headers: tuple[tuple[str, str], ...] = ()  # those that tell who answered and where to go

    @property
    def broken_off(self) -> bool:
        """The answer began, and the connection ended or fell silent within it."""
        ends = (Outcome.CLOSED, Outcome.RESET, Outcome.TIMED_OUT)
        return self.status is not None and self.outcome in ends

    def header(self, name: str) -> str | None:
        """A header of the answer, by its name in lower case."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting(Said):
    """What the service said when it was connected to, or answered to `sent` (the name of what was sent)."""

    kind: ClassVar[str] = "greeting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """An X.509 certificate (RFC 5280). `names` are those of subjectAltName, addresses too; times are ISO 8601."""

    subject: str | None
    issuer: str | None
    names: tuple[str, ...]
    not_before: str | None
    not_after: str | None
    self_signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsHandshake(Said):
    """One TLS handshake. `verified` is None where the certificate was only looked at.

    `rejected` is why the certificate was not accepted (expired, not-yet-valid, self-signed, unknown-ca, wrong-name,
    other), OpenSSL's reason first, and `detail` says that in OpenSSL's words. `alert` is what the service refused with.
    """

    kind: ClassVar[str] = "tls"
    server_name: str = ""
    version: str | None = None
    cipher: str | None = None
    verified: bool | None = None
    rejected: tuple[str, ...] = ()
    detail: str | None = None
    alert: str | None = None
    certificate: Certificate | None = None

    @property
    def is_tls(self) -> bool:
        """The service speaks TLS: the handshake came about, or it answered in TLS that it would not."""
        return self.version is not None or self.alert is not None or is_tls_answer(self.first)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendAttempt:
    """A connection that another process opened while it served ours. `process` is its name, `to` where it went.

    Both are None where only counters told of it. `outcome` is connected, refused, or pending (no answer came).
    """

    process: str | None
    to: str | None
    outcome: str
    says: str  # how it was seen, for evidence
