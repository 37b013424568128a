"""Which protocol the first bytes of a service are of, where they could be of no other."""

from __future__ import annotations

import re

_GREETINGS = (
    (re.compile(rb"SSH-\d"), "SSH"),  # RFC 4253, 4.2
    (re.compile(rb"220[ -].*SMTP", re.IGNORECASE | re.DOTALL), "SMTP"),  # RFC 5321, 4.2
    (re.compile(rb"220[ -].*FTP", re.IGNORECASE | re.DOTALL), "FTP"),  # RFC 959, 5.4
    (re.compile(rb"\* (?:OK|PREAUTH)\b"), "IMAP"),  # RFC 9051, 7.1
    (re.compile(rb"\+OK\b"), "POP3 or Redis"),  # RFC 1939, 3; the RESP specification
    (re.compile(rb"-(?:ERR|DENIED|NOAUTH|LOADING)\b"), "the protocol of Redis"),
    (re.compile(rb".{3}\0[\x0a\xff]", re.DOTALL), "the protocol of MySQL"),  # its Handshake and ERR_Packet
    # The SETTINGS frame that an HTTP/2 server begins with: RFC 9113, 3.4
    (re.compile(rb"\0.{2}\x04[\0\x01]\0{4}", re.DOTALL), "HTTP/2 from the first byte on (as gRPC does)"),
    (re.compile(rb"RFB \d"), "VNC"),  # RFC 6143, 7.1.1
    (re.compile(rb"HTTP/\d"), "HTTP"),
)


def language(data: bytes) -> str | None:
    """`SSH` and the like; None where the bytes do not tell."""
    return next((name for pattern, name in _GREETINGS if pattern.match(data)), None)
