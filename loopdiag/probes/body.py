"""Whether the body of an HTTP answer comes to its end, as far as that shows at its beginning: RFC 9112, section 6."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loopdiag.model.observation import Outcome
from loopdiag.probes.stream import EndedError

if TYPE_CHECKING:
    from loopdiag.probes.http import Talk

MOST = 65536  # bytes that are read of a body
GLANCE = 0.02  # seconds for one without a length: it may go on for ever
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d+)[ \t]*\r?$")
_CHUNKED = re.compile(rb"(?im)^transfer-encoding:.*\bchunked\b")
_LAST_CHUNK = re.compile(rb"(?:^|\r\n)0[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n$")
_WITHOUT = (101, 204, 304)


def broken_off(talk: Talk, status: int, head: bytes, body: bytes) -> EndedError | None:
    """How the answer ended before its own end, if it did: closed, reset, or timed-out where no byte of it came.

    `head` is the answer up to its empty line, `body` what came behind that already.
    """
    if status in _WITHOUT:
        return None
    found = _LENGTH.search(head)
    length = int(found[1]) if found else None
    chunked = _CHUNKED.search(head) is not None
    try:
        while len(body) < MOST and not _whole(body, length, chunked):
            body += talk.receive(None if length and not chunked and not body else GLANCE)
    except EndedError as end:
        return _judged(end, body, has_end=chunked or length is not None)
    return None


def _whole(body: bytes, length: int | None, chunked: bool) -> bool:
    if chunked:
        return _LAST_CHUNK.search(body[-1024:]) is not None
    return length is not None and len(body) >= length


def _judged(end: EndedError, body: bytes, *, has_end: bool) -> EndedError | None:
    """Without a length the connection's orderly end is the body's; a pause in a body that has begun is none."""
    if end.outcome is Outcome.CLOSED:
        return end if has_end else None
    if end.outcome is Outcome.TIMED_OUT:
        return end if has_end and not body else None
    return end
