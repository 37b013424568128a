"""Words by which services decline to serve anybody for now, as their protocols and most used programs have them."""

from __future__ import annotations

import re

# redis.io/docs/reference/protocol-spec: an error; being asked to log in first is none.
_REDIS = re.compile(rb"-(?!NOAUTH|WRONGPASS|NOPERM|DENIED)[A-Z]+ ")
# PostgreSQL, Error Codes: 57P01 to 57P03 (shutting down, starting up), 53300 (too many connections)
_POSTGRES = re.compile(rb"E.{4}.*\0C(57P0[1-3]|53300)\0", re.DOTALL)
_MYSQL = re.compile(rb".{3}\0\xff", re.DOTALL)  # MySQL, ERR_Packet: in the greeting's place it is the end
_REPLY = re.compile(rb"[45]\d\d[ -]")  # RFC 5321, 4.2 and RFC 959, 4.2: a greeting that is none
_IMAP = re.compile(rb"\* BYE\b")  # RFC 9051, 7.1.5
_SSH = re.compile(rb"Exceeded MaxStartups|Not allowed at this time")  # sshd(8), before its version


def declines(data: bytes, scheme: str) -> bool:
    """Whether the first bytes that a service sent say that it serves nobody now, though it took the connection."""
    if scheme == "redis":
        return _REDIS.match(data) is not None
    if scheme.startswith("postgres"):
        return _POSTGRES.match(data) is not None
    patterns = (_MYSQL, _REPLY, _IMAP, _SSH) if scheme != "mysql" else (_MYSQL,)
    return any(pattern.match(data) for pattern in patterns)
