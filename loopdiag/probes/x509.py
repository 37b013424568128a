"""What stands in an X.509 certificate: as much of DER and RFC 5280 as it takes to say why one was not accepted.

The ssl module decodes only certificates that it has accepted.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from loopdiag.model.service import Certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_SEQUENCE, _SET, _OID, _OCTETS = 0x30, 0x31, 0x06, 0x04
_EXTENSIONS, _VERSION = 0xA3, 0xA0  # context tags of TBSCertificate
_UTC_TIME = 0x17
_COMMON_NAME = b"\x55\x04\x03"  # 2.5.4.3
_ORGANIZATION = b"\x55\x04\x0a"  # 2.5.4.10
_ALTERNATIVE_NAMES = b"\x55\x1d\x11"  # 2.5.29.17
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87


def parse_certificate(der: bytes) -> Certificate | None:
    """A certificate from its DER form; None where it cannot be read."""
    try:
        return _certificate(der)
    except (ValueError, IndexError, StopIteration, UnicodeDecodeError):
        return None


def faults(certificate: Certificate, name: str, now: datetime) -> tuple[str, ...]:
    """What stands in the certificate itself against using it for `name` at the time `now` (UTC)."""
    clock = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    found = {
        "expired": certificate.not_after is not None and certificate.not_after < clock,
        "not-yet-valid": certificate.not_before is not None and certificate.not_before > clock,
        "wrong-name": not any(covers(each, name) for each in certificate.names),
    }
    return tuple(fault for fault, is_so in found.items() if is_so)


def covers(pattern: str, name: str) -> bool:
    """A name of a certificate is that of the server; `*` stands for one label, the first (RFC 6125, 6.4.3)."""
    pattern, name = pattern.lower(), name.lower().rstrip(".")
    if pattern.startswith("*."):
        return "." in name and name.partition(".")[2] == pattern[2:]
    return pattern == name


def _certificate(der: bytes) -> Certificate:
    _, certificate = next(_parts(der))
    _, body = next(_parts(certificate))
    fields = [part for part in _parts(body) if part[0] != _VERSION]
    # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, then what is optional
    issuer, validity, subject = fields[2][1], fields[3][1], fields[4][1]
    start, end = (_time(tag, text) for tag, text in _parts(validity))
    return Certificate(
        subject=_name(subject),
        issuer=_name(issuer),
        names=tuple(_alternative_names(fields)),
        not_before=start,
        not_after=end,
        self_signed=issuer == subject,
    )


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element; raises ValueError where a length runs over the end."""
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise ValueError("an element is longer than what holds it")
        yield tag, data[at : at + length]
        at += length


def _time(tag: int, text: bytes) -> str:
    """UTCTime has two digits for the year: 50 and above are of the last century (RFC 5280, 4.1.2.5.1)."""
    digits = text.decode("ascii").rstrip("Z")
    if tag == _UTC_TIME:
        digits = ("19" if digits >= "50" else "20") + digits
    date, clock = digits[:8], digits[8:14]
    return f"{date[:4]}-{date[4:6]}-{date[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}Z"


def _name(name: bytes) -> str | None:
    """The common name, else the organization."""
    found: dict[bytes, str] = {}
    for tag, group in _parts(name):
        for _, pair in _parts(group) if tag == _SET else ():
            (_, kind), (_, value) = _parts(pair)
            found[kind] = value.decode("utf-8", "replace")
    return found.get(_COMMON_NAME) or found.get(_ORGANIZATION)


def _alternative_names(fields: list[tuple[int, bytes]]) -> Iterator[str]:
    for tag, content in fields:
        if tag != _EXTENSIONS:
            continue
        for _, extension in _parts(next(_parts(content))[1]):
            parts = list(_parts(extension))
            if parts[0] == (_OID, _ALTERNATIVE_NAMES):
                yield from _general_names(parts[-1][1])


def _general_names(content: bytes) -> Iterator[str]:
    for tag, value in _parts(next(_parts(content))[1]):
        if tag == _DNS_NAME:
            yield value.decode("ascii", "replace")
        elif tag == _IP_ADDRESS and len(value) in (4, 16):
            yield str(ipaddress.ip_address(value))
