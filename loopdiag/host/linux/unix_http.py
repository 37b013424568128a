"""One GET over a UNIX socket, bounded in time and size: enough to ask a container runtime."""

from __future__ import annotations

import json
import re
import socket
import time

TIMEOUT = 2.0  # seconds for the whole answer
MOST = 8 << 20  # bytes
_STATUS = re.compile(rb"HTTP/\d\.\d (\d{3})(?: |$)")  # RFC 9112, 4
_LENGTH, _SIZE = re.compile(rb"\d{1,12}"), re.compile(rb"[0-9a-fA-F]{1,8}")


class NotThereError(Exception):
    """Status 404: there is no such thing."""


def get_json(path: str, what: str) -> object:
    """The JSON body. Raises NotThereError, OSError, or ValueError with half a sentence."""
    status, headers, body = _get(path, what)
    if status == 404:
        raise NotThereError
    if status != 200:
        raise ValueError(f"it answers HTTP status {status}")
    if b"chunked" in headers.lower():
        body = _joined(body)
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):  # the latter for what is nested thousands of times
        raise ValueError("its answer is no JSON that can be read") from None
    return found


def _get(path: str, what: str) -> tuple[int, bytes, bytes]:
    deadline = time.monotonic() + TIMEOUT
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(TIMEOUT)
        link.connect(path)
        # HTTP/1.0: the answer ends with the connection, and is not cut into chunks by a server that knows 1.0.
        link.sendall(f"GET {what} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        data = bytearray()
        while len(data) < MOST:
            link.settimeout(max(0.001, deadline - time.monotonic()))
            piece = link.recv(65536)
            if not piece or _is_whole(data := data + piece):
                break
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    status = _STATUS.match(head.split(b"\r\n", 1)[0])
    if not status:
        raise ValueError("its answer is no HTTP")
    return int(status[1]), head, body


def _is_whole(data: bytearray) -> bool:
    """Whether all that Content-Length announces is there: some servers keep the connection."""
    head, end, _ = bytes(data[:16384]).partition(b"\r\n\r\n")
    for line in head.split(b"\r\n")[1:] if end else ():
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and _LENGTH.fullmatch(value.strip()):
            return len(data) - len(head) - 4 >= int(value)
    return bool(end) and b"chunked" in head.lower() and data.endswith(b"0\r\n\r\n")


def _joined(body: bytes) -> bytes:
    """The chunks of RFC 9112, 7.1, as one."""
    whole, at = bytearray(), 0
    while (end := body.find(b"\r\n", at)) >= 0:
        size = body[at:end].partition(b";")[0].strip()
        if not _SIZE.fullmatch(size):
            raise ValueError("its answer comes in chunks of no size")
        length = int(size, 16)
        if not length:
            break
        whole += body[end + 2 : end + 2 + length]
        at = end + 2 + length + 2
    return bytes(whole)
